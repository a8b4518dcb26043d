namespace MiniOneRec.Modeling;

/// <summary>Loads checkpoints of one kind of decoder. An application registers one for each backbone of its own.</summary>
public sealed class BackboneLoader
{
    private readonly Func<BackboneSource, CausalLanguageModel> _load;

    /// <summary>Makes a loader.</summary>
    /// <param name="modelType">The <c>model_type</c> of <c>config.json</c>, or one of its <c>architectures</c>.</param>
    /// <param name="load">Loads the model of a folder.</param>
    public BackboneLoader(string modelType, Func<BackboneSource, CausalLanguageModel> load)
    {
        ArgumentException.ThrowIfNullOrEmpty(modelType);
        ArgumentNullException.ThrowIfNull(load);
        (ModelType, _load) = (modelType, load);
    }

    /// <summary>Gets the <c>model_type</c> or architecture of the checkpoints.</summary>
    public string ModelType { get; }

    /// <summary>Loads a model.</summary>
    /// <param name="source">The folder.</param>
    /// <exception cref="InvalidOperationException">The loader returns nothing.</exception>
    public CausalLanguageModel Load(BackboneSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        var model = _load(source) ?? throw new InvalidOperationException($"The loader of the backbone '{ModelType}' returned null.");
        model.eval();
        return model;
    }
}
