using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniOneRec.Modeling;

/// <summary>Makes the template again that a model folder records.</summary>
internal static class PromptTemplates
{
    /// <param name="description">What <see cref="IPromptTemplate.Describe"/> wrote.</param>
    /// <param name="folder">The model folder, for templates that need its tokenizer.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidDataException">The description names no known template or lacks a key.</exception>
    public static async Task<IPromptTemplate> CreateAsync(JsonObject description, string folder, CancellationToken cancellationToken)
    {
        string? name = (string?)description["name"];
        try
        {
            return name switch
            {
                "compact" => new CompactTemplate(
                    description["levelSizes"].Deserialize(ModelingJsonContext.Default.Int32Array)!, (bool)description["writesEnd"]!, Enum.Parse<HistoryOrder>((string?)description["order"] ?? "OldestFirst")),
                "alpaca" => new AlpacaTemplate(
                    await TextTokenizer.LoadAsync(folder, cancellationToken).ConfigureAwait(false), description["levelSizes"].Deserialize(ModelingJsonContext.Default.Int32Array)!,
                    Enum.Parse<NextItemWording>((string?)description["wording"] ?? "Training"), Enum.Parse<HistoryOrder>((string?)description["order"] ?? "OldestFirst")) { WritesBegin = (bool?)description["begin"] ?? false },
                "chat" => new ChatTemplate(
                    await TextTokenizer.LoadAsync(folder, cancellationToken).ConfigureAwait(false), description["levelSizes"].Deserialize(ModelingJsonContext.Default.Int32Array)!,
                    Enum.Parse<NextItemWording>((string?)description["wording"] ?? "Training"), Enum.Parse<HistoryOrder>((string?)description["order"] ?? "OldestFirst")) { WritesBegin = (bool?)description["begin"] ?? false },
                _ => throw new InvalidDataException($"Model folder '{folder}' names the template '{name}', which this version does not know."),
            };
        }
        catch (Exception e) when (e is JsonException or ArgumentException or NullReferenceException or InvalidOperationException)
        {
            throw new InvalidDataException($"Model folder '{folder}': the description of the template '{name}' is damaged.", e);
        }
    }
}
