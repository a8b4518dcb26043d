using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>Groups that run through the models together.</summary>
/// <param name="layout">Their trees; owned.</param>
/// <param name="advantages">Their advantages, <c>[N]</c>; owned.</param>
internal sealed class GrpoPass(CompletionLayout layout, Tensor advantages) : IDisposable
{
    public CompletionLayout Layout { get; } = layout;

    public Tensor Advantages { get; } = advantages;

    /// <summary>Gets or sets the log-probabilities under the policy that sampled; those of the first update come from its own first
    /// pass.</summary>
    public Tensor? Old { get; set; }

    public Tensor? Reference { get; set; }

    public bool ReferenceIsOld { get; set; }

    /// <summary>Computes what must be known before the first update. A reference with the weights that sampled has the old
    /// log-probabilities.</summary>
    public void ScoreReference(ReferencePolicy reference)
    {
        ReferenceIsOld = reference.Exists && reference.EqualsPolicy;
        if (reference.Exists && !ReferenceIsOld)
        {
            Reference = reference.Score(Layout).DetachFromDisposeScope();
        }
    }

    public void Dispose()
    {
        Layout.Dispose();
        Advantages.Dispose();
        Old?.Dispose();
        Reference?.Dispose();
    }
}
