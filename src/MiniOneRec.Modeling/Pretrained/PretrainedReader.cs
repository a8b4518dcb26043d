namespace MiniOneRec.Modeling;

/// <summary>
/// Reads pretrained models for <see cref="GenerativeRecommenderFactory"/>. <c>PretrainedModels</c> of the package MiniOneRec.Pretrained
/// implements it.
/// </summary>
/// <remarks>
/// An application that references the package needs no registration: the library finds it by its name, see
/// <c>docs/decisions/pretrained-package.md</c>. To change how models are read, set <see cref="GenerativeRecommenderFactory.Pretrained"/>,
/// or register a <see cref="PretrainedReader"/> in the container.
/// </remarks>
public abstract class PretrainedReader
{
    private static readonly Lazy<PretrainedReader?> Found =
        new(() => PretrainedPackage.Create<PretrainedReader>("MiniOneRec.Pretrained.PretrainedModels, MiniOneRec.Pretrained"));

    internal PretrainedReader()
    {
    }

    /// <summary>Gets the reader of the package, or <see langword="null"/> where the application does not reference it.</summary>
    internal static PretrainedReader? OfPackage => Found.Value;

    /// <summary>Reads the tokenizer of a model.</summary>
    /// <returns>Loads the weights and makes the template, on the thread that calls it.</returns>
    /// <exception cref="FileNotFoundException">The path names neither a folder nor a file, or the folder has no tokenizer.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or the model lacks what the template needs.</exception>
    internal abstract Task<Func<(CausalLanguageModel Model, IPromptTemplate Template)>> ReadAsync(
        PretrainedRequest request, CancellationToken cancellationToken);
}
