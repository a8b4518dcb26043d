using MiniOneRec.Modeling;

namespace MiniOneRec.Pretrained;

/// <summary>The reference system's prompts, byte for byte: instruction, input and response under headings.</summary>
/// <remarks>
/// Instruction, input and response are tokenized separately and joined. Without an instruction the whole first block is left out, as in
/// reinforcement. A response ends with a line break and the end token; one with a reasoning ends with the end token alone.
/// </remarks>
public sealed class AlpacaTemplate : TextTemplate
{
    private const string Preamble =
        "Below is an instruction that describes a task, paired with an input that provides further context. "
        + "Write a response that appropriately completes the request. \n\n### Instruction:\n";

    private const string ResponseHeading = "### Response:\n";

    /// <summary>Makes the template.</summary>
    /// <param name="tokenizer">The tokenizer, with a token for every code that is used.</param>
    /// <param name="levelSizes">K of each level.</param>
    /// <param name="wording">How the next item is asked for.</param>
    /// <param name="order">The order in which prompts for the next item list a history.</param>
    /// <exception cref="ArgumentException">The tokenizer has no token for any code.</exception>
    public AlpacaTemplate(
        ITextTokenizer tokenizer, IReadOnlyList<int> levelSizes, NextItemWording wording = NextItemWording.Training,
        HistoryOrder order = HistoryOrder.OldestFirst)
        : base(tokenizer, levelSizes, wording, order) => Terminator = [.. tokenizer.Encode("\n"), tokenizer.EndToken];

    /// <inheritdoc/>
    public override string Name => "alpaca";

    /// <inheritdoc/>
    public override IReadOnlyList<int> Terminator { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Render(Prompt prompt) => RenderPrompt(prompt);

    /// <summary>Gets a prompt's text in the parts that are tokenized one by one.</summary>
    internal static IReadOnlyList<string> RenderPrompt(Prompt prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        string input = $"### User Input: \n{prompt.Input}\n\n{ResponseHeading}";
        return prompt.Instruction.Length == 0 ? [input]
            : [$"{Preamble}{prompt.Instruction}{(prompt.Instruction.EndsWith('\n') ? "" : "\n\n")}", input];
    }

    /// <inheritdoc/>
    public override string Render(Response response)
    {
        ArgumentNullException.ThrowIfNull(response);
        string answer = response.SemanticId?.ToString() ?? response.Text
            ?? throw new ArgumentException("A response needs a semantic ID or a text.", nameof(response));
        return response.Reasoning is { } reasoning ? $"### Reasoning:\n{reasoning}\n{ResponseHeading}{answer}" : $"{answer}\n";
    }
}
