using System.Text.Json.Nodes;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Writes prompts of titles and titles as responses, for a tokenizer without tokens for codes.</summary>
/// <remarks>The wording is that of the reference system's task from titles to a title, its first variant, under the Alpaca
/// headings.</remarks>
internal sealed class TitleTemplate(ITextTokenizer tokenizer, string category, int maxTitleTokens) : IPromptTemplate
{
    /// <inheritdoc/>
    public string Name => "titles";

    /// <inheritdoc/>
    public SemanticIdVocabulary Vocabulary { get; } = new([[-1]]);

    /// <inheritdoc/>
    public int VocabularySize => tokenizer.VocabularySize;

    /// <inheritdoc/>
    public IReadOnlyList<int> Terminator => [tokenizer.EndToken];

    /// <summary>Gets the prompt of a history of titles, oldest first; it may be empty.</summary>
    public int[] EncodeHistory(IReadOnlyList<string> titles) => EncodePrompt(ReferencePrompts.TitlesToTitle(titles, category, 0));

    /// <inheritdoc/>
    public Prompt NextItem(IReadOnlyList<SemanticId> history) => throw NoCodes();

    /// <inheritdoc/>
    public int[] EncodePrompt(Prompt prompt)
    {
        int[] tokens = [.. AlpacaTemplate.RenderPrompt(prompt).SelectMany(tokenizer.Encode)];
        return tokenizer.BeginToken is { } begin && tokens[0] != begin ? [begin, .. tokens] : tokens;
    }

    /// <inheritdoc/>
    public int[] EncodeResponse(SemanticId semanticId) => throw NoCodes();

    /// <summary>Gets the tokens of a quoted title, cut to the longest, and the end token.</summary>
    /// <param name="text">The title.</param>
    public int[] EncodeResponse(string text)
    {
        int[] tokens = tokenizer.Encode($"\"{text}\"\n");
        return [.. tokens.Length > maxTitleTokens ? tokens[..maxTitleTokens] : tokens, tokenizer.EndToken];
    }

    /// <summary>Reads the first title of what a model wrote.</summary>
    /// <param name="tokens">The tokens, without the end token.</param>
    public string Read(IReadOnlyList<int> tokens)
    {
        // A model may have more rows than its tokenizer has tokens.
        string line = tokenizer.Decode([.. tokens.Where(token => token < tokenizer.VocabularySize)]).Trim().Split('\n')[0].Trim();
        if (line.StartsWith('"'))
        {
            line = line[1..];
            int end = line.LastIndexOf('"');
            line = end >= 0 ? line[..end] : line;
        }

        return line.Trim();
    }

    /// <inheritdoc/>
    public JsonObject Describe() => new() { ["name"] = Name };

    private static NotSupportedException NoCodes() => new("This template writes titles, not semantic IDs.");
}
