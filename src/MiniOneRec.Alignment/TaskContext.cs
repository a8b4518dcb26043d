using MiniOneRec.Modeling;

namespace MiniOneRec.Alignment;

/// <summary>Gives a task the data for its samples, and counts what it leaves out.</summary>
public sealed class TaskContext
{
    private readonly Dictionary<string, int> _skipped = new(StringComparer.Ordinal);

    /// <summary>Makes a context.</summary>
    /// <param name="data">The data.</param>
    /// <param name="template">Writes prompts and responses.</param>
    /// <param name="random">Seeded by the trainer's seed, the task and the epoch.</param>
    public TaskContext(AlignmentData data, IPromptTemplate template, Random random)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentNullException.ThrowIfNull(template);
        ArgumentNullException.ThrowIfNull(random);
        (Data, Template, Random) = (data, template, random);
    }

    /// <summary>Gets the data.</summary>
    public AlignmentData Data { get; }

    /// <summary>Gets the template.</summary>
    public IPromptTemplate Template { get; }

    /// <summary>Gets the generator of the epoch's choices.</summary>
    public Random Random { get; }

    /// <summary>Gets the longest sample in tokens; of longer ones the trainer cuts the left end off.</summary>
    public int MaxTokens { get; init; } = int.MaxValue;

    /// <summary>Gets how much was left out, by reason.</summary>
    public IReadOnlyDictionary<string, int> Skipped => _skipped;

    /// <summary>Counts something that was left out.</summary>
    /// <param name="reason">What and why, for example <c>no title</c>.</param>
    /// <param name="count">How many.</param>
    public void Skip(string reason, int count = 1)
    {
        if (count > 0)
        {
            _skipped[reason] = _skipped.GetValueOrDefault(reason) + count;
        }
    }

    /// <summary>Makes the sample of a prompt and its response.</summary>
    /// <param name="task">The task's name.</param>
    /// <param name="id">Says where the sample comes from.</param>
    /// <param name="prompt">The prompt.</param>
    /// <param name="response">The response.</param>
    public TokenSample Sample(string task, string id, Prompt prompt, Response response) =>
        TokenSample.Of(Template.EncodePrompt(prompt), Template.EncodeResponse(response), task, id);
}
