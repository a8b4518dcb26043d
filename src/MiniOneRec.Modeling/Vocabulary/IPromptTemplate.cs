using System.Text.Json.Nodes;

namespace MiniOneRec.Modeling;

/// <summary>Renders prompts and responses as tokens: one object for training, reinforcement, evaluation and serving.</summary>
/// <remarks>Implementations are immutable and safe for concurrent use.</remarks>
public interface IPromptTemplate
{
    /// <summary>Gets the template's name, which the model folder records.</summary>
    string Name { get; }

    /// <summary>Gets the tokens of the codes.</summary>
    SemanticIdVocabulary Vocabulary { get; }

    /// <summary>Gets the number of tokens that a model needs to serve this template.</summary>
    int VocabularySize { get; }

    /// <summary>Gets the tokens that follow the last code of a response (newline and end in text templates); may be empty.</summary>
    IReadOnlyList<int> Terminator { get; }

    /// <summary>Gets the name of the task under which next items are asked for, and its wording.</summary>
    /// <param name="history">Semantic IDs of the user's items, oldest first.</param>
    Prompt NextItem(IReadOnlyList<SemanticId> history);

    /// <summary>Gets the tokens of a prompt, up to where the response begins.</summary>
    /// <param name="prompt">The prompt.</param>
    /// <exception cref="NotSupportedException">The template cannot write this task.</exception>
    int[] EncodePrompt(Prompt prompt);

    /// <summary>Gets the tokens of a semantic ID as response, terminator included.</summary>
    /// <param name="semanticId">The semantic ID.</param>
    int[] EncodeResponse(SemanticId semanticId);

    /// <summary>Gets the tokens of a text response, terminator included.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="NotSupportedException">The template writes no text.</exception>
    int[] EncodeResponse(string text);

    /// <summary>Gets the tokens of a response, terminator included.</summary>
    /// <param name="response">A semantic ID or a text, after a reasoning where there is one.</param>
    /// <exception cref="NotSupportedException">The template cannot write this response.</exception>
    int[] EncodeResponse(Response response)
    {
        ArgumentNullException.ThrowIfNull(response);
        return response switch
        {
            { Reasoning: not null } => throw new NotSupportedException($"The template '{Name}' writes no reasoning before an answer."),
            { SemanticId: { } id } => EncodeResponse(id),
            { Text: { } text } => EncodeResponse(text),
            _ => throw new ArgumentException("A response needs a semantic ID or a text.", nameof(response)),
        };
    }

    /// <summary>Gets the description that the model folder records, from which the template is made again.</summary>
    JsonObject Describe();
}
