using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;

namespace MiniOneRec.Baselines.Generative;

/// <summary>A language model that writes titles of a catalogue, and what its prompts need.</summary>
internal sealed class TitleModel : IDisposable
{
    private readonly int _maxHistory;

    public TitleModel(
        CausalLanguageModel model, TextTokenizer tokenizer, TitleCatalogue catalogue, string category, int maxHistory, int maxTitleTokens)
    {
        (Model, Tokenizer, Catalogue, _maxHistory) = (model, tokenizer, catalogue, maxHistory);
        Template = new TitleTemplate(tokenizer, category, maxTitleTokens);
        model.eval();
    }

    public CausalLanguageModel Model { get; }

    public TextTokenizer Tokenizer { get; }

    public TitleCatalogue Catalogue { get; }

    public TitleTemplate Template { get; }

    public long ParameterCount => Model.parameters().Sum(parameter => parameter.numel());

    /// <summary>Gets the training task of next titles.</summary>
    public TitleTask Task => new(Catalogue, Template, _maxHistory);

    /// <summary>Gets the prompt of a history.</summary>
    /// <param name="history">Item ids, oldest first.</param>
    /// <param name="skipped">How many have no title.</param>
    public int[] Prompt(IReadOnlyList<string> history, out int skipped) =>
        Template.EncodeHistory(Catalogue.TitlesOf(history, _maxHistory, out skipped));

    public void Dispose() => Model.Dispose();
}
