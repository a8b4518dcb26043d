namespace MiniOneRec.Baselines.Generative.Tests.Titles;

/// <summary>A small shop: who bought one item buys the next one on the ring.</summary>
internal static class Shop
{
    private static readonly string[] Words = ["red", "blue", "green"];
    private static readonly string[] Things = ["lamp", "chair", "desk", "stool"];

    /// <summary>Twelve items; their titles share words, and the last two have one title.</summary>
    public static Item[] Items { get; } =
        [.. Enumerable.Range(0, 12).Select(i => new Item { Id = "i" + i, Title = i == 11 ? Title(10) : Title(i) })];

    public static SemanticIdIndex Index { get; } = new(
        Enumerable.Range(0, 12).Select(i => KeyValuePair.Create("i" + i, new SemanticId(i / 4, i % 4))), [3, 4]);

    /// <summary>Eleven users, each of whom took two items in a row.</summary>
    public static UserSequence[] Users { get; } =
        [.. Enumerable.Range(0, 11).Select(user => new UserSequence("u" + user, ["i" + user, "i" + (user + 1) % 11]))];

    /// <summary>The first item of each user, and the second.</summary>
    public static NextItemExample[] Seen { get; } =
        [.. Users.Select(user => new NextItemExample(user.UserId, [user.ItemIds[0]], user.ItemIds[1]))];

    public static RecommendationRequest[] Requests { get; } =
        [.. Seen.Select(row => new RecommendationRequest { History = row.History, Count = 5 })];

    public static LanguageModelOptions Model => new() { VocabularySize = 900, HiddenSize = 48, Layers = 1, Heads = 2 };

    public static Alignment.SftOptions Sft => new()
    {
        Epochs = 60, BatchSize = 11, LearningRate = 3e-3, WarmupSteps = 5, WeightDecay = 0, LabelSmoothing = 0, Dropout = 0,
        AverageDecay = 0,
    };

    /// <summary>The first six users, who are enough to see whether a model answers by the history: each bought another item next.</summary>
    public static UserSequence[] Six => Users[..6];

    /// <summary>The goods of the six.</summary>
    public static Item[] Goods => Items[..7];

    /// <summary>A model that, at the rate of <see cref="Slow"/>, reads prompts of words; smaller ones at 0.003 stayed with what is likely
    /// without a history.</summary>
    public static LanguageModelOptions Reader => new() { VocabularySize = 900, HiddenSize = 128, Layers = 2, Heads = 4 };

    public static Alignment.SftOptions Slow => new()
    {
        Epochs = 60, BatchSize = 6, LearningRate = 1e-3, WarmupSteps = 10, Schedule = LearningRateSchedule.Constant, WeightDecay = 0,
        LabelSmoothing = 0, Dropout = 0, AverageDecay = 0,
    };

    private static string Title(int i) => $"{Words[i % 3]} {Things[i / 3]}";
}

/// <summary>Gives one item after the last of the history most of the probability.</summary>
internal sealed class RingScorer : ISavableScorer
{
    public string Kind => "ring";

    public IReadOnlyList<string> Items { get; } = [.. Shop.Items.Select(item => item.Id), "unknown to the shop"];

    public void Score(IReadOnlyList<IReadOnlyList<string>> histories, Span<float> scores)
    {
        scores.Clear();
        for (int b = 0; b < histories.Count; b++)
        {
            int last = histories[b].Count == 0 ? 0 : int.Parse(histories[b][^1][1..], System.Globalization.CultureInfo.InvariantCulture);
            scores[b * Items.Count + (last + 1) % 11] = 5;
        }
    }

    public Task SaveAsync(string folder, CancellationToken cancellationToken = default)
    {
        Directory.CreateDirectory(folder);
        return File.WriteAllTextAsync(Path.Combine(folder, "ring.txt"), "", cancellationToken);
    }
}
