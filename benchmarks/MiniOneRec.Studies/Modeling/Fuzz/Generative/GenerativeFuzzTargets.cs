using MiniOneRec.Baselines.Generative;
using MiniOneRec.Modeling;

namespace MiniOneRec.Studies;

/// <summary>The files of generative baselines, each with its reader.</summary>
internal static class GenerativeFuzzTargets
{
    /// <summary>Makes the targets.</summary>
    /// <param name="fixtures">The folder with <c>t5</c>.</param>
    public static IReadOnlyList<FuzzTarget> Make(string fixtures) =>
    [
        FuzzTargets.Structured(new("t5 config.json", "t5.json", File.ReadAllBytes(Path.Combine(fixtures, "t5", "config.json")), folder =>
            T5Config.FromJson(CheckpointJson.ReadText(Path.Combine(folder, "t5.json")), "t5.json"))),
    ];
}
