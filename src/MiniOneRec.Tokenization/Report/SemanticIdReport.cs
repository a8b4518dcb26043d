using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MiniOneRec.Tokenization;

/// <summary>Describes how good an index is, before a model is trained on it: collisions, use of codes, shape of the tree, and what vectors
/// and texts say.</summary>
/// <remarks>
/// Any index will do, one of ours or a foreign <c>.index.json</c>. A section whose evidence was not given is <see langword="null"/>.
/// Motivation: semantic IDs bound what a generative recommender can learn, TIGER (arXiv:2305.05065), section 5.
/// </remarks>
public sealed record SemanticIdReport
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        TypeInfoResolver = TokenizationJsonContext.Default,
    };

    /// <summary>Gets the index's fingerprint.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>Gets the number of items.</summary>
    public required int Items { get; init; }

    /// <summary>Gets L, the depth of the deepest semantic ID.</summary>
    public required int Depth { get; init; }

    /// <summary>Gets how many items have a semantic ID of each depth.</summary>
    public required IReadOnlyDictionary<int, int> Depths { get; init; }

    /// <summary>Gets collisions of the index as it is.</summary>
    public required CollisionFigures Collisions { get; init; }

    /// <summary>Gets collisions before resolution.</summary>
    public CollisionFigures? RawCollisions { get; init; }

    /// <summary>Gets the number of items whose codes were changed or extended by resolution.</summary>
    public int? Moved { get; init; }

    /// <summary>Gets how many interactions lead to an item that shares its semantic ID.</summary>
    public TargetFigures? Targets { get; init; }

    /// <summary>Gets use of codes and fan-out by level.</summary>
    public required IReadOnlyList<LevelFigures> Levels { get; init; }

    /// <summary>Gets figures on how the last codes were chosen.</summary>
    public required LastCodeFigures LastCode { get; init; }

    /// <summary>Gets how well neighbourhoods survive.</summary>
    public NeighbourFigures? Neighbours { get; init; }

    /// <summary>Gets the purity of nodes in categories, from the root downwards.</summary>
    public IReadOnlyList<PurityFigures>? Purity { get; init; }

    /// <summary>Gets duplicates of texts; items without text are left out.</summary>
    public DuplicateFigures? TextDuplicates { get; init; }

    /// <summary>Gets items with identical vectors.</summary>
    public DuplicateFigures? VectorDuplicates { get; init; }

    /// <summary>Examines an index.</summary>
    /// <param name="index">The index.</param>
    /// <param name="evidence">What else is known, or <see langword="null"/> for nothing.</param>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <param name="progress">Told after each section.</param>
    /// <param name="cancellationToken">Stops between pieces of a section.</param>
    /// <exception cref="ArgumentException">A part of the evidence has another number of rows or levels than the index.</exception>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public static Task<SemanticIdReport> CreateAsync(
        SemanticIdIndex index,
        SemanticIdEvidence? evidence = null,
        SemanticIdReportOptions? options = null,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(index);
        evidence ??= new SemanticIdEvidence();
        evidence.Check(index);
        return new SemanticIdReportBuilder(
            index, evidence, OptionsValidation.Validated(options ?? new SemanticIdReportOptions(), new SemanticIdReportOptionsValidator()),
            progress)
            .BuildAsync(cancellationToken);
    }

    /// <summary>Gets the report as JSON: camel case, sections without evidence left out.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, Json);

    /// <summary>Gets the report as plain text for people.</summary>
    public override string ToString() => SemanticIdReportText.Write(this);

    /// <summary>Writes the report as JSON; the earlier file stays whole until the new one is complete.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier file.</param>
    /// <exception cref="IOException">A file that is no such report exists; it stays.</exception>
    public Task SaveAsync(string path, CancellationToken cancellationToken = default) =>
        SaveAsync(path, overwrite: false, cancellationToken);

    /// <summary>Writes the report as JSON; the earlier file stays whole until the new one is complete.</summary>
    /// <param name="path">The file.</param>
    /// <param name="overwrite">Whether a file that is no such report is replaced.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier file.</param>
    public Task SaveAsync(string path, bool overwrite, CancellationToken cancellationToken = default) => AtomicFile.WriteAsync(
        path, stream => JsonSerializer.SerializeAsync(stream, this, Json, cancellationToken),
        head => FileHead.HasKey(head, nameof(Fingerprint)), overwrite, cancellationToken);

    /// <summary>Reads a report that <see cref="SaveAsync(string, CancellationToken)"/> wrote.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidDataException">The file is no report.</exception>
    public static async Task<SemanticIdReport> LoadAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var stream = File.OpenRead(path);
        await using (stream.ConfigureAwait(false))
        {
            try
            {
                return await JsonSerializer.DeserializeAsync<SemanticIdReport>(stream, Json, cancellationToken).ConfigureAwait(false)
                    ?? throw new InvalidDataException($"Report file '{path}' holds null; expected a JSON object.");
            }
            catch (JsonException e)
            {
                throw new InvalidDataException($"Report file '{path}' is no report of semantic IDs: {e.Message}", e);
            }
        }
    }
}
