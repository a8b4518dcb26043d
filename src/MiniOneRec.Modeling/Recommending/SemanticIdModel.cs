using Microsoft.Extensions.Logging.Abstractions;

namespace MiniOneRec.Modeling;

/// <summary>Holds what writes semantic IDs: a backbone, the template of its prompts, and a catalogue.</summary>
/// <remarks>
/// Trainers improve it, folders hold it, and recommenders serve it. Template and catalogue do not change; the weights of the backbone do
/// while it is trained. Several recommenders may serve one model, each with options, prior and fallback of its own.
/// </remarks>
public sealed class SemanticIdModel : IDisposable
{
    private readonly int _maxHistoryItems = new RecommenderOptions().MaxHistoryItems;

    /// <summary>Makes a model, which then owns the backbone.</summary>
    /// <param name="backbone">The decoder.</param>
    /// <param name="template">How prompts are written; the same in training and serving.</param>
    /// <param name="index">The catalogue's semantic IDs.</param>
    /// <param name="popularity">Orders the items of one semantic ID; by default the index's order counts.</param>
    /// <exception cref="ArgumentException">The backbone has fewer tokens than the template, or the template no tokens for a
    /// code.</exception>
    public SemanticIdModel(
        CausalLanguageModel backbone, IPromptTemplate template, SemanticIdIndex index, IReadOnlyDictionary<string,
        double>? popularity = null)
    {
        ArgumentNullException.ThrowIfNull(backbone);
        ArgumentNullException.ThrowIfNull(index);
        ArgumentNullException.ThrowIfNull(template);
        if (backbone.Config.VocabularySize < template.VocabularySize)
        {
            throw new ArgumentException(
                $"The model has {backbone.Config.VocabularySize} tokens, fewer than the {template.VocabularySize} of "
                + $"the template '{template.Name}'.", nameof(backbone));
        }

        CheckVocabulary(index, template);
        (Backbone, Template, Catalogue) = (backbone, template, new Catalogue(index, popularity));
    }

    private SemanticIdModel(SemanticIdModel other, Catalogue catalogue) =>
        (Backbone, Template, Catalogue, _maxHistoryItems) = (other.Backbone, other.Template, catalogue, other._maxHistoryItems);

    /// <summary>Gets the decoder.</summary>
    public CausalLanguageModel Backbone { get; }

    /// <summary>Gets the template.</summary>
    public IPromptTemplate Template { get; }

    /// <summary>Gets the catalogue's semantic IDs.</summary>
    public SemanticIdIndex Index => Catalogue.Index;

    /// <summary>Gets the catalogue's tree.</summary>
    public SemanticIdTrie Trie => Catalogue.Trie;

    /// <summary>Gets the figures that order the items of one semantic ID.</summary>
    public IReadOnlyDictionary<string, double> Popularity => Catalogue.Popularity;

    /// <summary>Gets how many of a history's most recent known items enter a prompt.</summary>
    /// <value>The default is 20, as in <see cref="RecommenderOptions.MaxHistoryItems"/>.</value>
    /// <exception cref="ArgumentOutOfRangeException">It is less than 1.</exception>
    public int MaxHistoryItems
    {
        get => _maxHistoryItems;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            _maxHistoryItems = value;
        }
    }

    internal Catalogue Catalogue { get; }

    /// <summary>Gets the prompt of a history, as training and serving write it.</summary>
    /// <param name="history">Item ids, oldest first.</param>
    /// <param name="skipped">How many are not in the catalogue.</param>
    public int[] EncodeHistory(IReadOnlyList<string> history, out int skipped)
    {
        ArgumentNullException.ThrowIfNull(history);
        return Catalogue.PromptOf(history, Template, MaxHistoryItems, out skipped);
    }

    /// <summary>Makes a model with the same backbone and template and another catalogue. The two share the backbone: dispose one of
    /// them.</summary>
    /// <param name="index">The new index; its codes must have tokens in the template.</param>
    /// <param name="popularity">Orders the items of one semantic ID; by default the present figures stay.</param>
    /// <exception cref="ArgumentException">A code has no token.</exception>
    public SemanticIdModel WithCatalogue(SemanticIdIndex index, IReadOnlyDictionary<string, double>? popularity = null)
    {
        ArgumentNullException.ThrowIfNull(index);
        if (popularity is null)
        {
            return new SemanticIdModel(this, Catalogue.With(index, row => CheckVocabulary(index, row, Template)));
        }

        CheckVocabulary(index, Template);
        return new SemanticIdModel(this, new Catalogue(index, popularity));
    }

    /// <summary>
    /// Saves backbone, template and catalogue as one folder, which a recommender loads with default options; an earlier folder stays whole
    /// until the new one is complete. A recommender's own <see cref="GenerativeRecommender.SaveAsync(string, CancellationToken)"/> also
    /// keeps its options and prior.
    /// </summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="IOException">The folder is neither missing, nor empty, nor a saved model, or holds files of others; nothing is
    /// written.</exception>
    /// <exception cref="InvalidOperationException">A weight is not a finite number; nothing is written.</exception>
    public Task SaveAsync(string folder, CancellationToken cancellationToken = default) =>
        SaveAsync(folder, overwrite: false, cancellationToken);

    /// <summary>Saves backbone, template and catalogue as one folder; an earlier folder stays whole until the new one is
    /// complete.</summary>
    /// <param name="folder">The folder to make or replace; a symbolic link is followed.</param>
    /// <param name="overwrite">Whether an existing folder is replaced whatever it holds.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="InvalidOperationException">A weight is not a finite number; nothing is written.</exception>
    public Task SaveAsync(string folder, bool overwrite, CancellationToken cancellationToken = default)
    {
        var served = new RecommenderOptions { MaxHistoryItems = MaxHistoryItems };
        return ModelFolder.SaveAsync(this, new ServingSettings(served, Prior: null), NullLogger.Instance, folder,
            new RecommenderSaveOptions { Overwrite = overwrite }, cancellationToken);
    }

    /// <summary>Loads the model of a folder that a model or a recommender wrote.</summary>
    /// <remarks>Of a recommender's options only <see cref="MaxHistoryItems"/> is taken, and its prior is left out.</remarks>
    /// <param name="folder">The folder.</param>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged or was changed after it was saved, or the index is not the one that the
    /// model was trained with.</exception>
    public static Task<SemanticIdModel> LoadAsync(string folder, string device = "cpu", CancellationToken cancellationToken = default) =>
        ModelFolder.LoadModelAsync(folder, new RecommenderLoadOptions { Device = device }, cancellationToken);

    /// <summary>Loads the model of a folder, also one with a template or a backbone of the application's own.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">The device and the registries; what concerns priors and meters is not used.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">
    /// A file is damaged or was changed after it was saved, or template or backbone are not registered; the message names what is missing.
    /// </exception>
    public static Task<SemanticIdModel> LoadAsync(string folder, RecommenderLoadOptions options,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return ModelFolder.LoadModelAsync(folder, options, cancellationToken);
    }

    /// <summary>Disposes the backbone.</summary>
    public void Dispose() => Backbone.Dispose();

    internal SemanticIdModel WithHistories(int maxItems) =>
        maxItems == MaxHistoryItems ? this : new SemanticIdModel(this, Catalogue) { MaxHistoryItems = maxItems };

    private static void CheckVocabulary(SemanticIdIndex index, IPromptTemplate template)
    {
        for (int row = 0; row < index.Count; row++)
        {
            CheckVocabulary(index, row, template);
        }
    }

    private static void CheckVocabulary(SemanticIdIndex index, int row, IPromptTemplate template)
    {
        try
        {
            template.Vocabulary.Encode(index.SemanticIds[row]);
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"Item '{index.Items[row]}' has {index.SemanticIds[row]}: {e.Message}", nameof(index));
        }
    }
}
