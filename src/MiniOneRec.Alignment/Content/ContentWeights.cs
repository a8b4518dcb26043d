using MiniOneRec.Modeling;
using TorchSharp.Modules;

namespace MiniOneRec.Alignment;

/// <summary>The weights of a model's content as supervised training sees them: float32 always, and with learning rates of their
/// own.</summary>
internal static class ContentWeights
{
    /// <summary>Lists the weights of a model's content; none where it has no content.</summary>
    public static IEnumerable<(string Name, Parameter Value)> Of(CausalLanguageModel model) =>
        (model.Content?.Trained() ?? []).Select(weight => (weight.Name, weight.Value));

    /// <summary>Gets the learning rate of each weight, as a share of the model's.</summary>
    public static IReadOnlyDictionary<Parameter, double> Rates(CausalLanguageModel model, ContentTrainingOptions options)
    {
        var rates = new Dictionary<Parameter, double>(ReferenceEqualityComparer.Instance);
        foreach (var (_, value, rate) in model.Content?.Trained() ?? [])
        {
            rates[value] = rate switch
            {
                ContentRate.Map => options.MapRate,
                ContentRate.Hidden => options.HiddenRate,
                ContentRate.Residual => options.ResidualRate,
                ContentRate.Bias => options.BiasRate,
                _ => options.InputRate,
            };
        }

        return rates;
    }
}

/// <summary>The gradient of hidden states that the dense loss leaves for the backward pass of the model.</summary>
/// <param name="Tokens">The packed tokens, M of them.</param>
/// <param name="Gradient"><c>[M, D]</c>.</param>
internal sealed record DenseGradient(int[] Tokens, TorchSharp.torch.Tensor Gradient);
