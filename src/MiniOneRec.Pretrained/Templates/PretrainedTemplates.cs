using System.Text.Json.Nodes;
using MiniOneRec.Modeling;

namespace MiniOneRec.Pretrained;

/// <summary>Loads the templates of this package. <c>PretrainedPackage</c> of MiniOneRec.Modeling finds this class by its name.</summary>
internal sealed class PretrainedTemplates : IPromptTemplateSource
{
    /// <inheritdoc/>
    public IReadOnlyList<PromptTemplateLoader> Loaders { get; } =
    [
        new("alpaca", async (description, folder, logger, cancellationToken) => new AlpacaTemplate(
            await TextTokenizer.LoadAsync(folder, logger, addsMissing: false, cancellationToken).ConfigureAwait(false),
            BuiltInTemplates.LevelSizes(description), Wording(description), BuiltInTemplates.Order(description))
        {
            WritesBegin = Begins(description),
        }),
        new("chat", async (description, folder, logger, cancellationToken) => new ChatTemplate(
            await TextTokenizer.LoadAsync(folder, logger, addsMissing: false, cancellationToken).ConfigureAwait(false),
            BuiltInTemplates.LevelSizes(description), Wording(description), BuiltInTemplates.Order(description))
        {
            WritesBegin = Begins(description),
        }),
    ];

    private static NextItemWording Wording(JsonObject description) => Enum.Parse<NextItemWording>((string?)description["wording"] ?? nameof(NextItemWording.Training));

    // Models of version 0.1 were trained without the begin token and do not have the key.
    private static bool Begins(JsonObject description) => (bool?)description["begin"] ?? false;
}
