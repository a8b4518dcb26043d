using MiniOneRec;
using MiniOneRec.Alignment;
using MiniOneRec.Modeling;

namespace CustomTask;

/// <summary>A task of the sample's own: the next item from the last three, the user's profile and the context of the moment.</summary>
/// <remarks>
/// A prompt is <c>task brand category item… tenure</c>: two user-side tokens (what the user bought most) and one context field (how many
/// purchases there were) stand around the items. Their ids follow those of the template, so the model has that many rows more. All of it
/// comes from the history; of what is to be predicted a prompt knows nothing.
/// </remarks>
internal sealed class ProfileTask : IAlignmentTask
{
    private const int LastItems = 3, TenureSteps = 4;
    private readonly IPromptTemplate _template;
    private readonly SemanticIdIndex _index;
    private readonly Dictionary<string, Item> _items;
    private readonly string[] _brands, _categories;

    public ProfileTask(IPromptTemplate template, SemanticIdIndex index, IReadOnlyList<Item> items)
    {
        (_template, _index, _items) = (template, index, items.ToDictionary(item => item.Id));
        _brands = [.. items.Select(item => item.Brand ?? "").Distinct().Order(StringComparer.Ordinal)];
        _categories = [.. items.Select(Category).Distinct().Order(StringComparer.Ordinal)];
    }

    public string Name => "next-sid-by-profile";

    /// <summary>Gets the number of tokens that a model needs: the template's, then brands and categories with one for "unknown" each, then
    /// tenure.</summary>
    public int VocabularySize => _template.VocabularySize + 1 + _brands.Length + 1 + _categories.Length + TenureSteps;

    public IEnumerable<TokenSample> CreateSamples(TaskContext context)
    {
        foreach (var row in context.Data.RowsOrPrefixes(maxHistory: 50))
        {
            yield return TokenSample.Of(
                Prompt(row.History), context.Template.EncodeResponse(_index[row.Target]), Name, $"{row.UserId}:{row.Target}");
        }
    }

    /// <summary>The one place where prompts are written, for training and for serving.</summary>
    public int[] Prompt(IReadOnlyList<string> history)
    {
        Item[] known = [.. history.Where(_items.ContainsKey).Select(item => _items[item])];
        int brands = _template.VocabularySize, categories = brands + 1 + _brands.Length, tenures = categories + 1 + _categories.Length;
        int brand = brands + 1 + Array.IndexOf(_brands, MostFrequent(known.Select(item => item.Brand ?? "")));
        int category = categories + 1 + Array.IndexOf(_categories, MostFrequent(known.Select(Category)));
        int tenure = tenures + Math.Min(TenureSteps - 1, known.Length / 3);

        int[] items = _template.EncodePrompt(_template.NextItem([.. known.TakeLast(LastItems).Select(item => _index[item.Id])]));
        return [items[0], brand, category, .. items[1..], tenure];
    }

    private static string Category(Item item) => item.Categories is [var first, ..] ? first : "";

    // Of equally frequent ones the latest.
    private static string? MostFrequent(IEnumerable<string> values) =>
        values.Reverse().CountBy(value => value).MaxBy(pair => pair.Value).Key;
}
