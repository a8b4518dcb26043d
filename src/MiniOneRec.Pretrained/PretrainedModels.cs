using MiniOneRec.Modeling;
using MiniOneRec.Tensors;

namespace MiniOneRec.Pretrained;

/// <summary>
/// Reads pretrained models for <see cref="GenerativeRecommenderFactory"/>: a Hugging Face folder or a GGUF file, with a token for each
/// code.
/// </summary>
/// <remarks>
/// The factory uses this class wherever an application references the package. Make one to set <see cref="RowInitializer"/>.
/// </remarks>
public sealed class PretrainedModels : PretrainedReader
{
    /// <summary>
    /// Gets where the rows of new tokens come from, for initialisers that <see cref="ModelingOptions.NewRows"/> does not name, for example
    /// <see cref="CodebookRows"/>.
    /// </summary>
    /// <value>The default is <see langword="null"/>: <see cref="ModelingOptions.NewRows"/> decides.</value>
    public TokenRowInitializer? RowInitializer { get; init; }

    internal override async Task<Func<(CausalLanguageModel Model, IPromptTemplate Template)>> ReadAsync(
        PretrainedRequest request, CancellationToken cancellationToken)
    {
        var plain = await PretrainedBackbone.ReadTokenizerAsync(request.Path, request.Logger, cancellationToken).ConfigureAwait(false);
        return () => Make(plain, request);
    }

    private (CausalLanguageModel Model, IPromptTemplate Template) Make(TextTokenizer plain, PretrainedRequest request)
    {
        var (index, options) = (request.Index, request.Options);
        var device = TorchSeed.DeviceOf(request.Shared.Device);
        SemanticIdVocabulary codes;
        TextTokenizer tokenizer;
        TextTemplate template;
        try
        {
            tokenizer = plain.WithSemanticIds(index.LevelSizes, out codes);
            template = options.Template == PromptFormat.Chat
                ? new ChatTemplate(tokenizer, index.LevelSizes)
                : new AlpacaTemplate(tokenizer, index.LevelSizes);
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            throw new InvalidDataException(
                $"'{request.Path}' cannot serve the template '{options.Template ?? PromptFormat.Alpaca}': {e.Message}", e);
        }

        var rows = RowInitializer ?? options.NewRows switch
        {
            NewTokenRows.Normal => new NormalRows(),
            NewTokenRows.Mean => new NormalRows(1e-9),
            _ => new ItemTextRows(index, Titles(request.Items), plain),
        };
        var model = PretrainedBackbone.LoadModel(request.Path, request.Backbones, device, request.Logger);
        return (PretrainedBackbone.Extend(model, request.Path, plain, tokenizer, codes, rows, request.Shared.Seed), template);
    }

    private static Dictionary<string, string> Titles(IReadOnlyList<Item> items)
    {
        var titles = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var item in items.Where(item => item.Title.Length > 0))
        {
            titles[item.Id] = item.Title;
        }

        return titles;
    }
}
