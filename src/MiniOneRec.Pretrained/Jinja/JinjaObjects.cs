using System.Collections;

namespace MiniOneRec.Pretrained;

/// <summary>A name or member that does not exist: false, empty, and an error to look into.</summary>
/// <param name="reason">Why, as a clause.</param>
internal sealed class JinjaUndefined(string reason)
{
    public string Reason => reason;
}

/// <summary>An immutable sequence.</summary>
/// <param name="items">The elements.</param>
/// <param name="names">Names of the elements, or <see langword="null"/>.</param>
internal sealed class JinjaTuple(object?[] items, string[]? names = null)
{
    public object?[] Items => items;

    public string[]? Names => names;
}

/// <summary>A namespace, the one object that templates change.</summary>
internal sealed class JinjaNamespace
{
    public Dictionary<string, object?> Members { get; } = new(StringComparer.Ordinal);
}

/// <summary>A range of integers.</summary>
internal sealed class JinjaRange(long start, long stop, long step) : IReadOnlyList<object?>
{
    /// <summary>The longest range, as in Jinja2's sandbox.</summary>
    public const int Longest = 100_000;

    public long Start => start;

    public long Stop => stop;

    public long Step => step;

    /// <summary>Gets the exact number of elements, which may be above <see cref="Longest"/>.</summary>
    public Int128 ExactCount { get; } = step > 0
        ? start < stop ? (((Int128)stop - start - 1) / step) + 1 : 0
        : start > stop ? (((Int128)start - stop - 1) / -(Int128)step) + 1 : 0;

    public int Count => (int)ExactCount;

    public object? this[int index] => start + (index * step);

    public IEnumerator<object?> GetEnumerator()
    {
        for (int i = 0; i < Count; i++)
        {
            yield return this[i];
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>The keys, values or pairs of a map.</summary>
/// <param name="kind">What Python calls it, for example <c>dict_items</c>.</param>
/// <param name="items">The elements.</param>
internal sealed class JinjaView(string kind, List<object?> items)
{
    public string Kind => kind;

    public List<object?> Items => items;
}

/// <summary>Elements that can be gone through once, as filters such as <c>map</c> return them.</summary>
internal sealed class JinjaGenerator(List<object?> items)
{
    private List<object?> _items = items;

    /// <summary>Takes all elements that are left.</summary>
    public List<object?> Take()
    {
        var taken = _items;
        _items = [];
        return taken;
    }

    /// <summary>Takes the first element that is left.</summary>
    public bool TryTakeFirst(out object? first)
    {
        bool any = _items.Count > 0;
        first = any ? _items[0] : null;
        _items = any ? _items[1..] : _items;
        return any;
    }
}

/// <summary>A map in the order of insertion.</summary>
internal sealed class JinjaMap
{
    private static readonly object NoneKey = new();

    private readonly OrderedDictionary<object, object?> _entries = new(KeyComparer.Instance);

    public int Count => _entries.Count;

    public IEnumerable<object?> Keys => _entries.Keys.Select(key => ReferenceEquals(key, NoneKey) ? null : key);

    public IEnumerable<object?> Values => _entries.Values;

    public IEnumerable<(object? Key, object? Value)> Entries =>
        _entries.Select(pair => (ReferenceEquals(pair.Key, NoneKey) ? null : pair.Key, pair.Value));

    public static bool IsHashable(object? key) => key switch
    {
        List<object?> or JinjaMap or JinjaUndefined => false,
        JinjaTuple tuple => Array.TrueForAll(tuple.Items, item => item is not JinjaTuple && IsHashable(item)),
        _ => true,
    };

    public bool TryGet(object? key, out object? value)
    {
        value = null;
        return IsHashable(key) && _entries.TryGetValue(key ?? NoneKey, out value);
    }

    public void Set(JinjaRun run, object? key, object? value)
    {
        run.Charge(80);
        _entries[IsHashable(key) ? key ?? NoneKey : throw run.Error($"{JinjaText.TypeName(key)} cannot be the key of a map")] = value;
    }

    private sealed class KeyComparer : IEqualityComparer<object>
    {
        public static readonly KeyComparer Instance = new();

        public new bool Equals(object? x, object? y) => (x, y) switch
        {
            (string a, string b) => a == b,
            (JinjaTuple a, JinjaTuple b) => a.Items.Length == b.Items.Length
            && a.Items.Zip(b.Items).All(pair => Equals(pair.First ?? NoneKey, pair.Second ?? NoneKey)),
            _ => JinjaNumbers.TryNumber(x, out double left) && JinjaNumbers.TryNumber(y, out double right) ? AreEqual(x, y, left, right)
            : ReferenceEquals(x, y),
        };

        public int GetHashCode(object obj) => obj switch
        {
            string text => string.GetHashCode(text),
            JinjaTuple tuple =>
            tuple.Items.Aggregate(tuple.Items.Length, (hash, item) => HashCode.Combine(hash, GetHashCode(item ?? NoneKey))),
            _ => JinjaNumbers.TryNumber(obj, out double number) ? number.GetHashCode()
            : System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(obj),
        };

        private static bool AreEqual(object? x, object? y, double left, double right) => x is long a && y is long b ? a == b
            : left == right;
    }
}
