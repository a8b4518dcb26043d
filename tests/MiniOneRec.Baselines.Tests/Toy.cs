namespace MiniOneRec.Baselines.Tests;

/// <summary>Hand-made interactions.</summary>
internal static class Toy
{
    /// <summary>Users as words: <c>"a b c"</c> is one user who took a, then b, then c.</summary>
    public static IReadOnlyList<UserSequence> Users(params string[] sequences) =>
        [.. sequences.Select((items, user) => new UserSequence("u" + user, items.Split(' ', StringSplitOptions.RemoveEmptyEntries)))];

    /// <summary>Eight users on a ring of twelve items: who took item i takes item i + 1 next.</summary>
    public static IReadOnlyList<UserSequence> Ring { get; } = [.. Enumerable.Range(0, 8).Select(user => new UserSequence(
        "u" + user, [.. Enumerable.Range(0, 7).Select(step => "i" + (user + step) % 12)]))];

    /// <summary>What follows on the ring.</summary>
    public static IReadOnlyList<NextItemExample> RingNext { get; } =
        [.. Enumerable.Range(0, 12).Select(i => new NextItemExample("v" + i, ["i" + (i + 11) % 12, "i" + i], "i" + (i + 1) % 12))];

    /// <summary>The eight users again: their first four items, and the fifth.</summary>
    public static IReadOnlyList<NextItemExample> RingSeen { get; } =
        [.. Ring.Select(user => new NextItemExample(user.UserId, [.. user.ItemIds.Take(4)], user.ItemIds[4]))];

    public static async Task<string[]> TopAsync(IRecommender recommender, string history, int count) =>
        [.. (await recommender.RecommendAsync(history.Split(' ', StringSplitOptions.RemoveEmptyEntries), count))
            .Items.Select(item => item.ItemId)];

    public static float[] Scores(IItemScorer scorer, params string[] histories)
    {
        float[] scores = new float[histories.Length * scorer.Items.Count];
        scorer.Score([.. histories.Select(history => history.Split(' ', StringSplitOptions.RemoveEmptyEntries))], scores);
        return scores;
    }
}
