using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using MiniOneRec.Training.Distributed;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>The frozen policy that the KL is measured against.</summary>
internal sealed class ReferencePolicy : IDisposable
{
    private readonly CausalLanguageModel _policy;
    private readonly ReferenceOptions _options;
    private readonly CausalLanguageModel? _copy;
    private readonly bool _owned;
    private readonly DividedModel? _divided;

    /// <param name="policy">The policy as it starts, whole.</param>
    /// <param name="options">Where the reference comes from.</param>
    /// <param name="given">The caller's reference, or <see langword="null"/>.</param>
    /// <param name="parallel">The processes, which divide a copy where they divide the policy's weights; <see langword="null"/> for
    /// one.</param>
    public ReferencePolicy(
        CausalLanguageModel policy, ReferenceOptions options, CausalLanguageModel? given, ParallelRun? parallel = null)
    {
        (_policy, _options) = (policy, options);
        if (options.Kind == ReferenceKind.AdapterOff
            && !policy.modules().OfType<Projection>().Any(projection => projection.Adapter?.Parameters.Count > 0))
        {
            throw new ArgumentException("Reference.Kind AdapterOff needs a model with low-rank adapters; this one has none.",
                nameof(options));
        }

        if (options.Kind != ReferenceKind.FrozenCopy)
        {
            return;
        }

        if (given is not null)
        {
            CheckShape(policy, given);
        }

        // A model of the caller's stays as it is; one that is to move is copied.
        _owned = given is null || options.SyncEverySteps > 0;
        _copy = _owned ? Copy(given ?? policy) : given;
        _copy!.eval();
        EqualsPolicy = given is null;
        if (_owned && parallel?.Sharding == Sharding.Weights)
        {
            var parameters = _copy.named_parameters().ToArray();
            _divided = new DividedModel(parameters, [.. parameters.Select(pair => _copy.BlockOf(pair.name))], parallel.Group);
        }
    }

    public bool Exists => _options.Kind != ReferenceKind.None;

    /// <summary>Gets whether the reference has the policy's present weights, so that its pass can be saved.</summary>
    public bool EqualsPolicy { get; private set; }

    /// <summary>Gets what this process keeps of the tensors of a copy, for checkpoints.</summary>
    /// <param name="prefix">What the names begin with.</param>
    public IReadOnlyList<StatePart> State(string prefix) => _divided?.Parts(prefix)
        ?? (_owned ? [.. _copy!.named_parameters().Select(pair => (StatePart)(prefix + pair.name, (Tensor)pair.parameter))] : []);

    /// <summary>Keeps a divided reference whole until the result is disposed, where it is to be scored.</summary>
    public IDisposable? HoldWhole() => EqualsPolicy ? null : _divided?.Hold();

    /// <summary>Scores completions without gradient, within <see cref="HoldWhole"/>.</summary>
    public Tensor Score(CompletionLayout layout)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        if (_copy is not null)
        {
            return CompletionScorer.Score(_copy, layout).LogProbs.MoveToOuterDisposeScope();
        }

        var adapted = _policy.modules().OfType<Projection>().Where(projection => projection.Adapter is not null)
            .Select(projection => (Projection: projection, projection.Adapter)).ToArray();
        try
        {
            foreach (var (projection, _) in adapted)
            {
                projection.Adapter = null;
            }

            return CompletionScorer.Score(_policy, layout).LogProbs.MoveToOuterDisposeScope();
        }
        finally
        {
            foreach (var (projection, adapter) in adapted)
            {
                projection.Adapter = adapter;
            }
        }
    }

    /// <summary>Notes that the policy took a step, and moves the copy towards it where it is time.</summary>
    public void PolicyMoved() => EqualsPolicy = false;

    /// <summary>Moves the copy towards the policy after a step, where it is time.</summary>
    /// <param name="step">The step.</param>
    /// <param name="holdPolicy">Keeps the policy whole until the result is disposed, where processes divide it.</param>
    public void SyncAfter(long step, Func<IDisposable?>? holdPolicy = null)
    {
        if (_copy is null || _options.SyncEverySteps == 0 || step % _options.SyncEverySteps != 0)
        {
            return;
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var whole = holdPolicy?.Invoke();
        _divided?.MoveTowards(_policy.parameters(), _options.SyncMixing);
        foreach (var (target, source) in _divided is null ? _copy.parameters().Zip(_policy.parameters()) : [])
        {
            target.mul_(Scalars.Of(1 - _options.SyncMixing)).add_(source, alpha: Scalars.Of(_options.SyncMixing));
        }

        EqualsPolicy = _options.SyncMixing == 1;
    }

    public void Restored(bool equalsPolicy) => EqualsPolicy = equalsPolicy;

    public void Dispose()
    {
        _divided?.Dispose();
        if (_owned)
        {
            _copy!.Dispose();
        }
    }

    private static DecoderModel Copy(CausalLanguageModel model)
    {
        if (model is not DecoderModel)
        {
            throw new ArgumentException(
                $"A {model.GetType().Name} cannot be copied here; give the trainer a Reference, "
                + "or set Reference.Kind to AdapterOff or None.", nameof(model));
        }

        if (model.modules().OfType<Projection>().Any(projection => projection.Adapter is not null))
        {
            throw new ArgumentException(
                "A model with adapters cannot be copied; merge them, give the trainer a Reference, or set Reference.Kind to AdapterOff.",
                nameof(model));
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var copy = new DecoderModel(model.Config);
        copy.to(model.EmbeddingWeight.dtype);
        copy.to(model.Device);
        copy.ShareContentOf(model);
        foreach (var (target, source) in copy.parameters().Zip(model.parameters()))
        {
            target.copy_(source);
            target.requires_grad = false;
        }

        return copy;
    }

    private static void CheckShape(CausalLanguageModel policy, CausalLanguageModel reference)
    {
        var expected = policy.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter.shape);
        var actual = reference.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter.shape);
        foreach (string name in expected.Keys.Union(actual.Keys).Order(StringComparer.Ordinal))
        {
            if (!expected.TryGetValue(name, out long[]? wanted) || !actual.TryGetValue(name, out long[]? found)
                || !wanted.AsSpan().SequenceEqual(found))
            {
                throw new ArgumentException(
                    $"The reference has another shape than the policy: '{name}' is {Show(actual.GetValueOrDefault(name))}; "
                    + $"the policy has {Show(expected.GetValueOrDefault(name))}.",
                    nameof(reference));
            }
        }
    }

    private static string Show(long[]? shape) => shape is null ? "missing" : $"[{string.Join(", ", shape)}]";
}
