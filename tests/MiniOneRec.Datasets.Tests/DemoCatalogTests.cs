using Microsoft.Extensions.Options;

namespace MiniOneRec.Datasets.Tests;

public sealed class DemoCatalogTests
{
    private static readonly InteractionDataset Demo = DemoCatalogue.Create();

    [Fact]
    public void Create_Default_HasTheStatedSize()
    {
        Assert.Equal(600, Demo.Items.Count);
        Assert.Equal(600, Demo.Items.Select(item => item.Id).Distinct().Count());
        Assert.Equal(600, Demo.Items.Select(item => item.Title).Distinct().Count());
        Assert.Equal(1500, Demo.Sequences.Count);
        Assert.All(Demo.Sequences, sequence => Assert.InRange(sequence.ItemIds.Count, 6, 12));
        Assert.All(Demo.Sequences, sequence => Assert.Equal(sequence.ItemIds.Count, sequence.ItemIds.Distinct().Count()));
        Assert.All(Demo.Items, item => Assert.False(string.IsNullOrEmpty(item.Description) || string.IsNullOrEmpty(item.Brand)));
        Assert.Equal(6, Demo.Items.Select(item => item.Categories[0]).Distinct().Count());
    }

    [Fact]
    public void Create_SameSeed_IsTheSame_OtherSeed_IsNot()
    {
        var again = DemoCatalogue.Create();
        var other = DemoCatalogue.Create(new DemoCatalogueOptions { Seed = 7 });

        Assert.Equal(Text(Demo), Text(again));
        Assert.NotEqual(Text(Demo), Text(other));

        static string Text(InteractionDataset data) =>
            string.Join('\n', data.Sequences.Select(s => $"{s.UserId} {string.Join(' ', s.ItemIds)} {string.Join(' ', s.Timestamps!)}"));
    }

    [Fact]
    public void Create_OrderMatters_LastItemsTellFarMoreThanPopularity()
    {
        var split = new LeaveOneOutSplit().Split(Demo);
        var popular = split.TrainSequences.SelectMany(s => s.ItemIds).CountBy(id => id).OrderByDescending(p => p.Value).Take(10)
            .Select(p => p.Key).ToHashSet();
        var rules = new Dictionary<string, Dictionary<string, double>>();
        foreach (var sequence in split.TrainSequences)
        {
            for (int i = 1; i < sequence.ItemIds.Count; i++)
            {
                for (int back = 1; back <= i; back++)
                {
                    var next = rules.TryGetValue(sequence.ItemIds[i - back], out var found) ? found
                        : rules[sequence.ItemIds[i - back]] = [];
                    next[sequence.ItemIds[i]] = next.GetValueOrDefault(sequence.ItemIds[i]) + (1.0 / back);
                }
            }
        }

        double popularity = split.Test.Average(row => popular.Contains(row.Target) ? 1.0 : 0);
        double sequential = split.Test.Average(row => Hit(row) ? 1.0 : 0);

        Assert.InRange(popularity, 0.02, 0.12);
        Assert.InRange(sequential, 0.3, 0.5);

        bool Hit(NextItemExample row)
        {
            var scores = new Dictionary<string, double>();
            double weight = 1;
            foreach (string item in row.History.Reverse())
            {
                foreach (var (next, score) in rules.GetValueOrDefault(item, []))
                {
                    scores[next] = scores.GetValueOrDefault(next) + (weight * score);
                }

                weight *= 0.3;
            }

            return scores.OrderByDescending(p => p.Value).Take(10).Any(p => p.Key == row.Target);
        }
    }

    [Fact]
    public void Create_NewItems_AreBoughtLastOrNotAtAll()
    {
        var split = new LeaveOneOutSplit().Split(Demo);
        var known = split.TrainSequences.SelectMany(s => s.ItemIds).Concat(split.Validation.Select(row => row.Target)).ToHashSet();
        string[] cold = [.. Demo.Items.Select(item => item.Id).Where(id => !known.Contains(id))];
        var none = new LeaveOneOutSplit().Split(DemoCatalogue.Create(new DemoCatalogueOptions { NewItems = 0 }));
        var bought = none.TrainSequences.SelectMany(s => s.ItemIds).ToHashSet();

        Assert.InRange(cold.Length, 48, 55);
        Assert.InRange(split.Test.Count(row => !known.Contains(row.Target)), 60, 200);
        Assert.True(none.Items.Count(item => !bought.Contains(item.Id)) < 10);
    }

    [Fact]
    public void Create_Tastes_AreABrandAndTwoCategories()
    {
        var items = Demo.Items.ToDictionary(item => item.Id);
        double brand = Demo.Sequences.Average(s => Share(s.ItemIds.Select(id => items[id].Brand!)));
        double category = Demo.Sequences.Average(s => Share(s.ItemIds.Select(id => items[id].Categories[0])));

        Assert.InRange(brand, 0.6, 0.85);                           // of five brands
        Assert.InRange(category, 0.4, 0.75);                        // of six categories

        static double Share(IEnumerable<string> values)
        {
            string[] all = [.. values];
            return all.CountBy(value => value).Max(pair => pair.Value) / (double)all.Length;
        }
    }

    [Fact]
    public void Create_BadOptions_NamesEveryBrokenRule()
    {
        var error = Assert.Throws<OptionsValidationException>(() =>
            DemoCatalogue.Create(new DemoCatalogueOptions { Users = 0, MinLength = 9, MaxLength = 4 }));

        Assert.Contains("Users", error.Message, StringComparison.Ordinal);
        Assert.Contains("MaxLength (4) must be at least MinLength (9)", error.Message, StringComparison.Ordinal);
    }
}
