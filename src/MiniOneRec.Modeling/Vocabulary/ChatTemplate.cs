namespace MiniOneRec.Modeling;

/// <summary>Prompts in the chat format of a pretrained model, rendered by the tokenizer's own template.</summary>
/// <remarks>
/// A prompt's instruction is the system message and its input the user's; the response is what the assistant writes, up to the end token.
/// A reasoning stands before the answer, on lines of its own.
/// </remarks>
public sealed class ChatTemplate : TextTemplate
{
    private readonly JinjaTemplate _format;

    /// <summary>Makes the template.</summary>
    /// <param name="tokenizer">The tokenizer, with a chat template and a token for every code that is used.</param>
    /// <param name="levelSizes">K of each level.</param>
    /// <param name="wording">How the next item is asked for.</param>
    /// <param name="order">The order in which prompts for the next item list a history.</param>
    /// <exception cref="ArgumentException">The tokenizer has no chat template, or no token for any code.</exception>
    /// <exception cref="InvalidDataException">The chat template is malformed or uses a part of the language that is not known; the message names the line.</exception>
    public ChatTemplate(
        ITextTokenizer tokenizer, IReadOnlyList<int> levelSizes, NextItemWording wording = NextItemWording.Training,
        HistoryOrder order = HistoryOrder.OldestFirst)
        : base(tokenizer, levelSizes, wording, order)
    {
        _format = JinjaTemplate.Parse(tokenizer.ChatTemplate ?? throw new ArgumentException("The tokenizer's configuration has no chat template.", nameof(tokenizer)));
        Terminator = [tokenizer.EndToken];
    }

    /// <inheritdoc/>
    public override string Name => "chat";

    /// <inheritdoc/>
    public override IReadOnlyList<int> Terminator { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Render(Prompt prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        List<object?> messages = [Message("user", prompt.Input)];
        string instruction = prompt.Instruction.TrimEnd();
        if (instruction.Length > 0)
        {
            messages.Insert(0, Message("system", instruction));
        }

        return [_format.Render(new Dictionary<string, object?>
        {
            ["messages"] = messages,
            ["add_generation_prompt"] = true,
            ["bos_token"] = "",
            ["eos_token"] = Tokenizer.Decode([Tokenizer.EndToken]),
        })];
    }

    /// <inheritdoc/>
    public override string Render(Response response)
    {
        ArgumentNullException.ThrowIfNull(response);
        string answer = response.SemanticId?.ToString() ?? response.Text ?? throw new ArgumentException("A response needs a semantic ID or a text.", nameof(response));
        return response.Reasoning is { } reasoning ? $"{reasoning}\n{answer}" : answer;
    }

    private static Dictionary<string, object?> Message(string role, string content) => new() { ["role"] = role, ["content"] = content };
}
