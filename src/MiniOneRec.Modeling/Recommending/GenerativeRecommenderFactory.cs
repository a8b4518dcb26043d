using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using MiniOneRec.Tensors;
using TorchSharp;

namespace MiniOneRec.Modeling;

/// <summary>Makes models and recommenders for an index: with fresh weights, or on a pretrained model where
/// <see cref="ModelingOptions.PretrainedPath"/> is set.</summary>
/// <remarks>
/// A pretrained model needs the package MiniOneRec.Pretrained and brings its tokenizer. Each code becomes one new token
/// (<c>&lt;a_12&gt;</c>), the model gets rows for them, and prompts are written with the Alpaca or the chat template.
/// </remarks>
/// <param name="options">The decoder and how it serves.</param>
/// <param name="shared">Device and seed.</param>
/// <param name="logger">Given to the recommenders.</param>
public sealed class GenerativeRecommenderFactory(
    ModelingOptions? options = null, MiniOneRecOptions? shared = null, ILogger<GenerativeRecommender>? logger = null)
{
    private readonly ModelingOptions _options =
        OptionsValidation.Validated(options ?? new ModelingOptions(), new ModelingOptionsValidator(), new ModelingOptionsRules());

    private readonly MiniOneRecOptions _shared = shared ?? new MiniOneRecOptions();

    /// <summary>Gets the factory of the recommenders' meters, or <see langword="null"/> for a meter per recommender.</summary>
    public IMeterFactory? Meters { get; init; }

    /// <summary>Gets the loaders of pretrained folders.</summary>
    /// <value>The default is <see cref="BackboneRegistry.Default"/>.</value>
    public BackboneRegistry Backbones { get; init; } = BackboneRegistry.Default;

    /// <summary>Gets the reader of the model at <see cref="ModelingOptions.PretrainedPath"/>.</summary>
    /// <value>The default is <see langword="null"/>: the reader of the package MiniOneRec.Pretrained, where the application references
    /// it.</value>
    public PretrainedReader? Pretrained { get; init; }

    /// <summary>Gets where the rows of codes start in a decoder with fresh weights.</summary>
    /// <value>The default is <see langword="null"/>: all rows are random.</value>
    public ContentRows? CodeRows { get; init; }

    /// <summary>Makes a recommender; equal seeds give equal weights.</summary>
    /// <param name="index">The catalogue's semantic IDs.</param>
    /// <param name="popularity">Orders the items of one semantic ID.</param>
    /// <param name="cancellationToken">Looked at before the work begins.</param>
    /// <exception cref="FileNotFoundException"><see cref="ModelingOptions.PretrainedPath"/> names neither a folder nor a file.</exception>
    /// <exception cref="InvalidDataException">A file of the pretrained model is damaged, or the model lacks what the template
    /// needs.</exception>
    /// <exception cref="InvalidOperationException">A pretrained model is asked for and the application does not reference
    /// MiniOneRec.Pretrained.</exception>
    public Task<GenerativeRecommender> CreateAsync(
        SemanticIdIndex index, IReadOnlyDictionary<string, double>? popularity = null, CancellationToken cancellationToken = default) =>
        CreateAsync(index, [], popularity, cancellationToken);

    /// <summary>Makes a recommender; equal seeds give equal weights.</summary>
    /// <param name="index">The catalogue's semantic IDs.</param>
    /// <param name="items">The items, whose titles give the new tokens of a pretrained model their first rows; not needed
    /// otherwise.</param>
    /// <param name="popularity">Orders the items of one semantic ID.</param>
    /// <param name="cancellationToken">Looked at before the work begins.</param>
    /// <exception cref="FileNotFoundException"><see cref="ModelingOptions.PretrainedPath"/> names neither a folder nor a file.</exception>
    /// <exception cref="InvalidDataException">A file of the pretrained model is damaged, or the model lacks what the template
    /// needs.</exception>
    /// <exception cref="InvalidOperationException">A pretrained model is asked for and the application does not reference
    /// MiniOneRec.Pretrained.</exception>
    public Task<GenerativeRecommender> CreateAsync(
        SemanticIdIndex index, IReadOnlyList<Item> items, IReadOnlyDictionary<string, double>? popularity = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(index);
        ArgumentNullException.ThrowIfNull(items);
        cancellationToken.ThrowIfCancellationRequested();
        return ServeAsync();

        async Task<GenerativeRecommender> ServeAsync() => GenerativeRecommender.Owning(
            await MakeAsync(index, items, popularity, cancellationToken).ConfigureAwait(false), _options.Recommender, logger, Meters);
    }

    /// <summary>Makes a model to train, without a recommender that serves it; equal seeds give equal weights.</summary>
    /// <param name="index">The catalogue's semantic IDs.</param>
    /// <param name="items">The items, whose titles give the new tokens of a pretrained model their first rows; not needed
    /// otherwise.</param>
    /// <param name="popularity">Orders the items of one semantic ID.</param>
    /// <param name="cancellationToken">Looked at before the work begins.</param>
    /// <exception cref="FileNotFoundException"><see cref="ModelingOptions.PretrainedPath"/> names neither a folder nor a file.</exception>
    /// <exception cref="InvalidDataException">A file of the pretrained model is damaged, or the model lacks what the template
    /// needs.</exception>
    public Task<SemanticIdModel> CreateModelAsync(
        SemanticIdIndex index, IReadOnlyList<Item>? items = null, IReadOnlyDictionary<string, double>? popularity = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(index);
        cancellationToken.ThrowIfCancellationRequested();
        return MakeAsync(index, items ?? [], popularity, cancellationToken);
    }

    private async Task<SemanticIdModel> MakeAsync(
        SemanticIdIndex index, IReadOnlyList<Item> items, IReadOnlyDictionary<string, double>? popularity,
        CancellationToken cancellationToken)
    {
        var pretrained = _options.PretrainedPath is { } path
            ? await Reader(path).ReadAsync(new(path, _options, _shared, index, items, Backbones, logger), cancellationToken)
                .ConfigureAwait(false)
            : null;
        return await TorchThread.RunAsync("MiniOneRec create", () =>
        {
            TorchSeed.Apply(_shared.Seed);
            var (model, template) = pretrained is null ? Fresh(index) : pretrained();
            try
            {
                model.eval();
                return new SemanticIdModel(model, template, index, popularity) { MaxHistoryItems = _options.Recommender.MaxHistoryItems };
            }
            catch
            {
                model.Dispose();
                throw;
            }
        }).ConfigureAwait(false);
    }

    private (CausalLanguageModel Model, IPromptTemplate Template) Fresh(SemanticIdIndex index)
    {
        var template = CompactTemplate.For(index);
        var model = new DecoderModel(DecoderConfig.Small(template.VocabularySize, _options.HiddenSize, _options.Layers, _options.Heads));
        CodeRows?.Write(model, template.Vocabulary, _shared.Seed);
        model.to(TorchSeed.DeviceOf(_shared.Device));
        return (model, template);
    }

    private PretrainedReader Reader(string path) => Pretrained ?? PretrainedReader.OfPackage ?? throw new InvalidOperationException(
        $"PretrainedPath is '{path}'. Pretrained models need the package {PretrainedPackage.Name}, "
        + "and the application does not reference it. "
        + $"Reference it: dotnet add package {PretrainedPackage.Name}.");
}
