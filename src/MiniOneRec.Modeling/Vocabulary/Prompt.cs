namespace MiniOneRec.Modeling;

/// <summary>Holds the question of a task, before a template turns it into tokens.</summary>
/// <param name="Task">The task's plain name, for example <c>next-sid</c>.</param>
public sealed record Prompt(string Task)
{
    /// <summary>The name of the task that all recommenders serve: history of semantic IDs to the next one.</summary>
    public const string NextSid = "next-sid";

    /// <summary>Gets the instruction for templates that write text, empty where the task has none.</summary>
    public string Instruction { get; init; } = "";

    /// <summary>Gets the user's input for templates that write text.</summary>
    public string Input { get; init; } = "";

    /// <summary>Gets the semantic IDs in the prompt, oldest first, for templates that write tokens.</summary>
    public IReadOnlyList<SemanticId> SemanticIds { get; init; } = [];

    /// <summary>Gets free text in the prompt (titles, preferences), for templates that write tokens.</summary>
    public IReadOnlyList<string> Texts { get; init; } = [];
}
