namespace MiniOneRec.Datasets;

/// <summary>Draws sequences of the demo catalogue from a hidden chain: a thread that is followed, with detours between.</summary>
/// <remarks>Item rows are (theme · brands + brand) · steps + step.</remarks>
internal sealed class DemoShopper
{
    private const double ContinueThread = 0.56, TakeCompanion = 0.74, OtherBrand = 0.86;     // cumulative; the rest is something popular
    private const long Start = 1_700_000_000, Day = 86_400;

    private readonly Random _random;
    private readonly int _brands, _steps, _themesPerCategory;
    private readonly double[] _cumulativeThemes, _cumulativeItems;
    private readonly int[] _companions;

    public DemoShopper(Random random, IReadOnlyList<DemoTheme> themes, int brands)
    {
        (_random, _brands, _steps) = (random, brands, themes[0].Steps.Length);
        _themesPerCategory = themes.Count / themes.Select(theme => theme.Category).Distinct().Count();
        int items = themes.Count * brands * _steps;

        // Zipf-like popularity over shuffled themes and items; one fixed companion per theme, in another category.
        _cumulativeThemes = Cumulative(Shuffled(themes.Count).Select(rank => 1 / (rank + 4.0)));
        _cumulativeItems = Cumulative(Shuffled(items).Select(rank => 1 / (rank + 5.0)));
        _companions = [.. Enumerable.Range(0, themes.Count).Select(theme =>
            ((theme / _themesPerCategory * _themesPerCategory) + _themesPerCategory
                + _random.Next(themes.Count - _themesPerCategory)) % themes.Count)];
    }

    /// <summary>One user's rows and their times.</summary>
    public (IReadOnlyList<int> Rows, IReadOnlyList<long> Times) Shop(int minimumLength, int maximumLength)
    {
        int length = _random.Next(minimumLength, maximumLength + 1);
        List<int> rows = [];
        var seen = new HashSet<int>();
        int thread = Row(Draw(_cumulativeThemes), _random.Next(_brands), _random.Next(2));
        int next = thread;
        while (rows.Count < length)
        {
            if (seen.Add(next))
            {
                rows.Add(next);
            }

            double chance = _random.NextDouble();
            if (chance < ContinueThread)
            {
                next = thread = After(thread);
            }
            else if (chance < TakeCompanion)
            {
                next = Row(_companions[thread / _steps / _brands], thread / _steps % _brands, _random.Next(_steps));
            }
            else if (chance < OtherBrand)
            {
                next = OfNextBrand(After(thread));
            }
            else
            {
                next = Draw(_cumulativeItems);
            }
        }

        long time = Start + (_random.Next(300) * Day);
        long[] times = new long[length];
        for (int i = 0; i < length; i++)
        {
            times[i] = time += Day + _random.NextInt64(30 * Day);
        }

        return (rows, times);
    }

    private int Row(int theme, int brand, int step) => (((theme * _brands) + brand) * _steps) + step;

    // The next product of the series; after the last one, the first of the category's next theme in the same brand.
    private int After(int row)
    {
        int step = row % _steps, brand = row / _steps % _brands, theme = row / _steps / _brands;
        int category = theme / _themesPerCategory * _themesPerCategory;
        return step + 1 < _steps ? row + 1 : Row(category + ((theme - category + 1) % _themesPerCategory), brand, 0);
    }

    private int OfNextBrand(int row) => Row(row / _steps / _brands, ((row / _steps) + 1) % _brands, row % _steps);

    private int Draw(double[] cumulative)
    {
        int at = Array.BinarySearch(cumulative, _random.NextDouble() * cumulative[^1]);
        return Math.Min(at < 0 ? ~at : at, cumulative.Length - 1);
    }

    private int[] Shuffled(int count)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        _random.Shuffle(order);
        return order;
    }

    private static double[] Cumulative(IEnumerable<double> weights)
    {
        double sum = 0;
        return [.. weights.Select(weight => sum += weight)];
    }
}
