using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;

namespace MiniOneRec.Modeling;

/// <summary>Makes the template again that a model folder records.</summary>
internal static class PromptTemplates
{
    /// <param name="description">What <see cref="IPromptTemplate.Describe"/> wrote.</param>
    /// <param name="folder">The model folder, for templates that need its tokenizer.</param>
    /// <param name="logger">Is told of unknown keys of the tokenizer's files, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidDataException">The description names no known template or lacks a key.</exception>
    public static async Task<IPromptTemplate> CreateAsync(JsonObject description, string folder, ILogger? logger, CancellationToken cancellationToken)
    {
        string? name = null;
        try
        {
            name = (string?)description["name"];
            if (name is not ("compact" or "alpaca" or "chat"))
            {
                throw new InvalidDataException($"Model folder '{folder}' names the template '{name}', which this version does not know.");
            }

            int[] levelSizes = description["levelSizes"].Deserialize(ModelingJsonContext.Default.Int32Array)!;
            var order = Enum.Parse<HistoryOrder>((string?)description["order"] ?? "OldestFirst");
            if (name == "compact")
            {
                return new CompactTemplate(levelSizes, (bool)description["writesEnd"]!, order);
            }

            var wording = Enum.Parse<NextItemWording>((string?)description["wording"] ?? "Training");
            bool begins = (bool?)description["begin"] ?? false;
            var tokenizer = await TextTokenizer.LoadAsync(folder, logger, addsMissing: false, cancellationToken).ConfigureAwait(false);
            return name == "alpaca"
                ? new AlpacaTemplate(tokenizer, levelSizes, wording, order) { WritesBegin = begins }
                : new ChatTemplate(tokenizer, levelSizes, wording, order) { WritesBegin = begins };
        }
        catch (Exception e) when (e is JsonException or ArgumentException or NullReferenceException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"Model folder '{folder}': the description of the template '{name}' is damaged.", e);
        }
    }
}
