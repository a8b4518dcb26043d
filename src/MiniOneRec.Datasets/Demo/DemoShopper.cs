namespace MiniOneRec.Datasets;

/// <summary>Draws sequences of the demo catalogue from hidden tastes: a brand, two categories, and a project that goes on.</summary>
/// <remarks>Item rows are (theme · brands + brand) · steps + step.</remarks>
internal sealed class DemoShopper
{
    private const double GoOn = 0.5, OtherProject = 0.7, TakeCompanion = 0.86;          // cumulative; the rest is something popular
    private const double FavouriteBrand = 0.75, FirstCategory = 0.7;
    private const long Start = 1_700_000_000, Day = 86_400;

    private readonly Random _random;
    private readonly int _brands, _steps, _themesPerCategory, _categories;
    private readonly double[] _cumulativeThemes, _cumulativeBrands, _cumulativeItems;
    private readonly int[] _companions;
    private readonly bool[] _new;

    /// <param name="random">The source of all that is drawn.</param>
    /// <param name="themes">The themes; those of a category stand together.</param>
    /// <param name="brands">How many brands sell each product.</param>
    /// <param name="newItems">How many items are new; at most one of each product.</param>
    public DemoShopper(Random random, IReadOnlyList<DemoTheme> themes, int brands, int newItems)
    {
        (_random, _brands, _steps) = (random, brands, themes[0].Steps.Length);
        _categories = themes.Select(theme => theme.Category).Distinct().Count();
        _themesPerCategory = themes.Count / _categories;
        int items = themes.Count * brands * _steps;

        // Zipf-like popularity over shuffled themes, brands and items; one fixed companion per theme, in another category.
        _cumulativeThemes = Cumulative(Shuffled(themes.Count).Select(rank => 1 / (rank + 4.0)));
        _cumulativeBrands = Cumulative(Shuffled(brands).Select(rank => 1 / (rank + 2.0)));
        _cumulativeItems = Cumulative(Shuffled(items).Select(rank => 1 / (rank + 5.0)));
        _companions = [.. Enumerable.Range(0, themes.Count).Select(theme =>
            ((theme / _themesPerCategory * _themesPerCategory) + _themesPerCategory
                + _random.Next(themes.Count - _themesPerCategory)) % themes.Count)];
        _new = new bool[items];
        foreach (int product in Shuffled(themes.Count * _steps).Take(newItems))
        {
            _new[Row(product / _steps, _random.Next(brands), product % _steps)] = true;
        }
    }

    /// <summary>One user's rows and their times.</summary>
    public (IReadOnlyList<int> Rows, IReadOnlyList<long> Times) Shop(int minimumLength, int maximumLength)
    {
        int length = _random.Next(minimumLength, maximumLength + 1), brand = Draw(_cumulativeBrands);
        int theme = Draw(_cumulativeThemes), first = theme / _themesPerCategory, step = _random.Next(2);
        int second = (first + 1 + _random.Next(_categories - 1)) % _categories;
        List<int> rows = [];
        var seen = new HashSet<int>();
        int next = Row(theme, brand, step);
        while (rows.Count < length)
        {
            next = InTheShop(next, last: rows.Count == length - 1);
            if (seen.Add(next))
            {
                rows.Add(next);
            }

            double chance = _random.NextDouble();
            if (chance < GoOn)
            {
                (theme, step) = step + 1 < _steps ? (theme, step + 1) : (After(theme), 0);
                next = Row(theme, Brand(brand), step);
            }
            else if (chance < OtherProject)
            {
                (theme, step) = (ThemeOf(_random.NextDouble() < FirstCategory ? first : second), _random.Next(2));
                next = Row(theme, Brand(brand), step);
            }
            else if (chance < TakeCompanion)
            {
                next = Row(_companions[theme], Brand(brand), _random.Next(_steps));
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

    // What the shop does not have yet is bought from the next brand.
    private int InTheShop(int row, bool last) => last || !_new[row]
        ? row
        : Row(row / _steps / _brands, ((row / _steps) + 1) % _brands, row % _steps);

    private int Brand(int favourite) => _random.NextDouble() < FavouriteBrand ? favourite : Draw(_cumulativeBrands);

    private int After(int theme) => (theme / _themesPerCategory * _themesPerCategory) + ((theme + 1) % _themesPerCategory);

    // A theme of a category, popular ones more often.
    private int ThemeOf(int category)
    {
        int start = category * _themesPerCategory;
        double before = start == 0 ? 0 : _cumulativeThemes[start - 1];
        double drawn = before + (_random.NextDouble() * (_cumulativeThemes[start + _themesPerCategory - 1] - before));
        int theme = start;
        while (theme < start + _themesPerCategory - 1 && _cumulativeThemes[theme] <= drawn)
        {
            theme++;
        }

        return theme;
    }

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
