using System.Text.Json.Nodes;
using MiniOneRec.Modeling;

namespace MiniOneRec.Pretrained;

/// <summary>Names the ways in which a text template asks for the next item.</summary>
public enum NextItemWording
{
    /// <summary>As supervised training does (T1): the better choice for serving what was trained that way.</summary>
    Training,

    /// <summary>As the reference evaluates (E1).</summary>
    Evaluation,

    /// <summary>As reinforcement does (R1): without an instruction.</summary>
    Reinforcement,
}

/// <summary>Implements what all templates share that write text for a pretrained tokenizer.</summary>
public abstract class TextTemplate : IPromptTemplate, ICheckpointContent
{
    /// <summary>Makes the base of a template.</summary>
    /// <param name="tokenizer">The tokenizer, with a token for every code that is used.</param>
    /// <param name="levelSizes">K of each level.</param>
    /// <param name="wording">How the next item is asked for.</param>
    /// <param name="order">The order in which prompts for the next item list a history.</param>
    /// <exception cref="ArgumentException">The tokenizer has no token for any code.</exception>
    protected TextTemplate(ITextTokenizer tokenizer, IReadOnlyList<int> levelSizes, NextItemWording wording, HistoryOrder order)
    {
        ArgumentNullException.ThrowIfNull(tokenizer);
        ArgumentNullException.ThrowIfNull(levelSizes);
        (Tokenizer, Wording, Order) = (tokenizer, wording, order);
        Vocabulary = tokenizer.FindSemanticIds(levelSizes);
        if (Vocabulary.Count == 0)
        {
            throw new ArgumentException("The tokenizer has no token for any code, for example <a_0>; add the codes to it first.",
                nameof(tokenizer));
        }
    }

    /// <inheritdoc/>
    public abstract string Name { get; }

    /// <inheritdoc/>
    public SemanticIdVocabulary Vocabulary { get; }

    /// <inheritdoc/>
    public int VocabularySize => Tokenizer.VocabularySize;

    /// <inheritdoc/>
    public abstract IReadOnlyList<int> Terminator { get; }

    /// <summary>Gets the tokenizer.</summary>
    public ITextTokenizer Tokenizer { get; }

    /// <summary>Gets how the next item is asked for.</summary>
    public NextItemWording Wording { get; }

    /// <summary>Gets the order in which prompts for the next item list a history.</summary>
    public HistoryOrder Order { get; }

    /// <inheritdoc/>
    public Prompt NextItem(IReadOnlyList<SemanticId> history)
    {
        history = Order == HistoryOrder.OldestFirst ? history : [.. history.Reverse()];
        return Wording switch
        {
            NextItemWording.Evaluation => ReferencePrompts.NextSidForEvaluation(history),
            NextItemWording.Reinforcement => ReferencePrompts.WithoutInstruction(ReferencePrompts.NextSid(history)),
            _ => ReferencePrompts.NextSid(history),
        };
    }

    /// <summary>Gets whether prompts begin with the begin token where the tokenizer or its chat template asks for it.</summary>
    /// <value>The default is <see langword="true"/>; models of version 0.1 were trained without it and are read with
    /// <see langword="false"/>.</value>
    public bool WritesBegin { get; init; } = true;

    /// <summary>Gets a prompt's texts, which are tokenized one by one.</summary>
    /// <param name="prompt">The prompt.</param>
    public abstract IReadOnlyList<string> Render(Prompt prompt);

    /// <summary>Gets a response's text without what ends it.</summary>
    /// <param name="response">The response.</param>
    public abstract string Render(Response response);

    /// <inheritdoc/>
    public int[] EncodePrompt(Prompt prompt)
    {
        int[] tokens = [.. Render(prompt).SelectMany(Tokenizer.Encode)];
        return WritesBegin && Tokenizer.BeginToken is { } begin && (tokens.Length == 0 || tokens[0] != begin) ? [begin, .. tokens] : tokens;
    }

    /// <inheritdoc/>
    public int[] EncodeResponse(SemanticId semanticId) => [.. Vocabulary.Encode(semanticId), .. Terminator];

    /// <inheritdoc/>
    public int[] EncodeResponse(string text) => EncodeResponse(Response.Of(text));

    /// <inheritdoc/>
    public int[] EncodeResponse(Response response) => [.. Tokenizer.Encode(Render(response)), Tokenizer.EndToken];

    /// <inheritdoc/>
    public virtual JsonObject Describe()
    {
        var description = new JsonObject
        {
            ["name"] = Name,
            ["levelSizes"] = new JsonArray([.. Vocabulary.LevelSizes.Select(size => (JsonNode)size)]),
            ["wording"] = Wording.ToString(),
            ["order"] = Order.ToString(),
        };
        if (WritesBegin && BeginText.Length > 0)
        {
            description["begin"] = true;
        }

        return description;
    }

    /// <inheritdoc/>
    HuggingFaceSaveOptions ICheckpointContent.DescribeContent() => Tokenizer is TextTokenizer tokenizer
        ? new HuggingFaceSaveOptions
        {
            Tokenizer = tokenizer,
            Generation = new GenerationConfig { EosTokenIds = [tokenizer.EndToken], PadTokenId = tokenizer.EndToken },
        }
        : throw new NotSupportedException(
            $"A tokenizer of type {Tokenizer.GetType().Name} cannot be saved; expected {nameof(TextTokenizer)}.");

    /// <summary>Gets the text of the tokenizer's begin token, empty where it has none.</summary>
    private protected string BeginText => (Tokenizer as TextTokenizer)?.Settings.BeginToken
        ?? (Tokenizer.BeginToken is { } begin ? Tokenizer.Decode([begin]) : "");
}
