using MiniOneRec.Modeling;

namespace MiniOneRec.Pretrained;

/// <summary>Prompts in the chat format of a pretrained model, rendered by the tokenizer's own template.</summary>
/// <remarks>
/// A prompt's instruction is the system message and its input the user's; the response is what the assistant writes, up to the end token. A
/// reasoning stands before the answer, on lines of its own. The template runs as Hugging Face runs it, within
/// <see cref="ChatTemplateLimits"/>; it cannot reach files, types or the process. Each of its errors is an
/// <see cref="InvalidDataException"/> whose message names line and column, which also stand in <see cref="Exception.Data"/> under
/// <c>Line</c> and <c>Column</c>.
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
    /// <exception cref="InvalidDataException">The chat template is malformed or uses a part of the language that is not known; the message
    /// names the line.</exception>
    public ChatTemplate(
        ITextTokenizer tokenizer, IReadOnlyList<int> levelSizes, NextItemWording wording = NextItemWording.Training,
        HistoryOrder order = HistoryOrder.OldestFirst)
        : this(tokenizer, levelSizes, wording, order, ChatTemplateLimits.Default)
    {
    }

    /// <summary>Makes the template with limits of its own.</summary>
    /// <param name="tokenizer">The tokenizer, with a chat template and a token for every code that is used.</param>
    /// <param name="levelSizes">K of each level.</param>
    /// <param name="wording">How the next item is asked for.</param>
    /// <param name="order">The order in which prompts for the next item list a history.</param>
    /// <param name="limits">What the chat template may cost.</param>
    /// <exception cref="ArgumentException">The tokenizer has no chat template, or no token for any code, or a limit is not
    /// positive.</exception>
    /// <exception cref="InvalidDataException">The chat template is malformed or uses a part of the language that is not known; the message
    /// names the line.</exception>
    public ChatTemplate(ITextTokenizer tokenizer, IReadOnlyList<int> levelSizes, NextItemWording wording, HistoryOrder order,
        ChatTemplateLimits limits)
        : base(tokenizer, levelSizes, wording, order)
    {
        ArgumentNullException.ThrowIfNull(limits);
        _format = JinjaTemplate.Parse(
            tokenizer.ChatTemplate
            ?? throw new ArgumentException("The tokenizer's configuration has no chat template.", nameof(tokenizer)), limits);
        Terminator = [tokenizer.EndToken];
    }

    /// <inheritdoc/>
    public override string Name => "chat";

    /// <inheritdoc/>
    public override IReadOnlyList<int> Terminator { get; }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The chat template refuses its input, fails, or exceeds a limit.</exception>
    public override IReadOnlyList<string> Render(Prompt prompt) => Render(prompt, CancellationToken.None);

    /// <summary>Gets a prompt's texts, which are tokenized one by one.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <param name="cancellationToken">Stops the chat template.</param>
    /// <exception cref="InvalidDataException">The chat template refuses its input, fails, or exceeds a limit.</exception>
    public IReadOnlyList<string> Render(Prompt prompt, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        List<object?> messages = [Message("user", prompt.Input)];
        string instruction = prompt.Instruction.TrimEnd();
        if (instruction.Length > 0)
        {
            messages.Insert(0, Message("system", instruction));
        }

        var variables = new Dictionary<string, object?>
        {
            ["messages"] = messages,
            ["add_generation_prompt"] = true,
            ["tools"] = null,
            ["documents"] = null,
            ["bos_token"] = WritesBegin ? BeginText : "",
            ["eos_token"] = Tokenizer.Decode([Tokenizer.EndToken]),
        };
        if (Tokenizer is TextTokenizer { Settings: var settings })
        {
            foreach (var (name, text) in new[] { ("pad_token", settings.PadToken), ("unk_token", settings.UnknownToken) })
            {
                if (text is not null)
                {
                    variables[name] = text;
                }
            }
        }

        return [_format.Render(variables, cancellationToken: cancellationToken)];
    }

    /// <inheritdoc/>
    public override string Render(Response response)
    {
        ArgumentNullException.ThrowIfNull(response);
        string answer = response.SemanticId?.ToString() ?? response.Text
            ?? throw new ArgumentException("A response needs a semantic ID or a text.", nameof(response));
        return response.Reasoning is { } reasoning ? $"{reasoning}\n{answer}" : answer;
    }

    private static Dictionary<string, object?> Message(string role, string content) => new() { ["role"] = role, ["content"] = content };
}
