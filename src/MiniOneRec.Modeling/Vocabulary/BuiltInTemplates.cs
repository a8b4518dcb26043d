using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniOneRec.Modeling;

/// <summary>Loads the templates of this library.</summary>
internal static class BuiltInTemplates
{
    public static IReadOnlyList<PromptTemplateLoader> All { get; } =
    [
        new("compact", description => new CompactTemplate(LevelSizes(description), (bool)description["writesEnd"]!, Order(description))),
        new("alpaca", async (description, folder, logger, cancellationToken) => new AlpacaTemplate(
            await TextTokenizer.LoadAsync(folder, logger, addsMissing: false, cancellationToken).ConfigureAwait(false), LevelSizes(description), Wording(description), Order(description))
        {
            WritesBegin = Begins(description),
        }),
        new("chat", async (description, folder, logger, cancellationToken) => new ChatTemplate(
            await TextTokenizer.LoadAsync(folder, logger, addsMissing: false, cancellationToken).ConfigureAwait(false), LevelSizes(description), Wording(description), Order(description))
        {
            WritesBegin = Begins(description),
        }),
    ];

    private static int[] LevelSizes(JsonObject description) => description["levelSizes"].Deserialize(ModelingJsonContext.Default.Int32Array)!;

    private static HistoryOrder Order(JsonObject description) => Enum.Parse<HistoryOrder>((string?)description["order"] ?? nameof(HistoryOrder.OldestFirst));

    private static NextItemWording Wording(JsonObject description) => Enum.Parse<NextItemWording>((string?)description["wording"] ?? nameof(NextItemWording.Training));

    // Models of version 0.1 were trained without the begin token and do not have the key.
    private static bool Begins(JsonObject description) => (bool?)description["begin"] ?? false;
}
