using System.Text.Json;
using System.Text.Json.Serialization;

namespace MiniOneRec.Evaluation;

/// <summary>Several models on one data set: the file that a study leaves behind.</summary>
public sealed record ComparisonReport
{
    /// <summary>Gets the data set's name.</summary>
    public required string Dataset { get; init; }

    /// <summary>Gets how the data were split.</summary>
    public required string Split { get; init; }

    /// <summary>Gets the seed of the run.</summary>
    public required int Seed { get; init; }

    /// <summary>Gets the models' figures.</summary>
    public required IReadOnlyList<ModelReport> Models { get; init; }

    /// <summary>Gets or sets whatever else the study writes, by name: objects that serialize to JSON, and JSON elements after
    /// loading.</summary>
    [JsonExtensionData]
    public IDictionary<string, object>? Details { get; set; }

    /// <summary>Writes the report as JSON.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, ReportJson.Options);

    /// <summary>Writes the report as Markdown tables.</summary>
    public string ToMarkdown() => ReportMarkdown.Write(this);

    /// <summary>Writes the report as a JSON file, aside and renamed.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier file.</param>
    /// <exception cref="IOException">A file that is no such report exists; it stays.</exception>
    public Task SaveAsync(string path, CancellationToken cancellationToken = default) =>
        SaveAsync(path, overwrite: false, cancellationToken);

    /// <summary>Writes the report as a JSON file, aside and renamed.</summary>
    /// <param name="path">The file.</param>
    /// <param name="overwrite">Whether a file that is no such report is replaced.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier file.</param>
    public Task SaveAsync(string path, bool overwrite, CancellationToken cancellationToken = default) => AtomicFile.WriteAsync(
        path,
        stream => JsonSerializer.SerializeAsync(stream, this, ReportJson.Options, cancellationToken),
        head => FileHead.HasKey(head, nameof(Dataset)),
        overwrite,
        cancellationToken);

    /// <summary>Reads a report.</summary>
    /// <param name="path">The JSON file.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is no report; the message names file and line.</exception>
    public static async Task<ComparisonReport> LoadAsync(string path, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"Report '{path}' does not exist.", path);
        }

        try
        {
            return JsonSerializer.Deserialize<ComparisonReport>(await File.ReadAllBytesAsync(path, cancellationToken)
                .ConfigureAwait(false), ReportJson.Options)
                ?? throw new InvalidDataException($"Report '{path}' holds null; expected a JSON object.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"Report '{path}', line {e.LineNumber + 1}: {e.Message}", e);
        }
    }
}
