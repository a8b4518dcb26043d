using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniOneRec.Modeling;

/// <summary>Loads the templates of this library: <c>compact</c>, and those of MiniOneRec.Pretrained where the application references
/// it.</summary>
internal static class BuiltInTemplates
{
    private static readonly PromptTemplateLoader Compact =
        new("compact", description => new CompactTemplate(LevelSizes(description), (bool)description["writesEnd"]!, Order(description)));

    public static IEnumerable<string> Names => [Compact.Name, .. PretrainedPackage.Templates.Select(loader => loader.Name)];

    public static PromptTemplateLoader? Find(string name) =>
        name == Compact.Name ? Compact : PretrainedPackage.Templates.FirstOrDefault(loader => loader.Name == name);

    public static int[] LevelSizes(JsonObject description) =>
        description["levelSizes"].Deserialize(ModelingJsonContext.Default.Int32Array)!;

    public static HistoryOrder Order(JsonObject description) =>
        Enum.Parse<HistoryOrder>((string?)description["order"] ?? nameof(HistoryOrder.OldestFirst));
}
