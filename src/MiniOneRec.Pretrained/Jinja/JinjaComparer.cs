namespace MiniOneRec.Pretrained;

/// <summary>Compares values as Python does.</summary>
internal static class JinjaComparer
{
    public static bool AreEqual(JinjaRun run, object? left, object? right)
    {
        run.Work(1);
        switch (left, right)
        {
            case (string a, string b):
                run.Work(Math.Min(a.Length, b.Length));
                return a == b;
            case (long a, long b):
                return a == b;
            case (JinjaUndefined, JinjaUndefined):
                return true;
            case (List<object?> a, List<object?> b):
                return AreEqual(run, a, (IReadOnlyList<object?>)b);
            case (JinjaTuple a, JinjaTuple b):
                return AreEqual(run, a.Items, (IReadOnlyList<object?>)b.Items);
            case (JinjaRange a, JinjaRange b):
                return AreEqual(run, a, (IReadOnlyList<object?>)b);
            case (JinjaMap a, JinjaMap b):
                run.Enter();
                bool equal = a.Count == b.Count
                    && a.Entries.All(entry => b.TryGet(entry.Key, out object? other) && AreEqual(run, entry.Value, other));
                run.Leave();
                return equal;
            default:
                return JinjaNumbers.TryNumber(left, out double x) && JinjaNumbers.TryNumber(right, out double y) ? x == y
                    : ReferenceEquals(left, right);
        }
    }

    /// <summary>Returns whether an ordering holds.</summary>
    /// <exception cref="InvalidDataException">The values have no order.</exception>
    public static bool Holds(JinjaRun run, string sign, object? left, object? right)
    {
        if (JinjaNumbers.TryNumber(left, out double x) && JinjaNumbers.TryNumber(right, out double y)
            && (double.IsNaN(x) || double.IsNaN(y)))
        {
            return false;
        }

        int order = Order(run, sign, left, right);
        return sign switch { "<" => order < 0, ">" => order > 0, "<=" => order <= 0, _ => order >= 0 };
    }

    /// <summary>Orders two values.</summary>
    /// <exception cref="InvalidDataException">The values have no order.</exception>
    public static int Order(JinjaRun run, string sign, object? left, object? right)
    {
        run.Work(1);
        switch (left, right)
        {
            case (string a, string b):
                run.Work(Math.Min(a.Length, b.Length));
                return OrderTexts(a, b);
            case (long a, long b):
                return a.CompareTo(b);
            case (List<object?> a, List<object?> b):
                return Order(run, sign, a, (IReadOnlyList<object?>)b);
            case (JinjaTuple a, JinjaTuple b):
                return Order(run, sign, a.Items, (IReadOnlyList<object?>)b.Items);
            default:
                return JinjaNumbers.TryNumber(left, out double x) && JinjaNumbers.TryNumber(right, out double y)
                    ? x.CompareTo(y)
                    : throw run.Error($"'{sign}' does not fit {JinjaText.TypeName(left)} and {JinjaText.TypeName(right)}");
        }
    }

    /// <summary>Returns whether a container has an element.</summary>
    /// <exception cref="InvalidDataException">The value is no container, or the element cannot be in it.</exception>
    public static bool Contains(JinjaRun run, object? container, object? item)
    {
        switch (container)
        {
            case string text:
                string part = item as string ?? throw run.Error($"'in' a text needs a text, not {JinjaText.TypeName(item)}");
                JinjaSearch.Charge(run, text, part);
                return text.Contains(part, StringComparison.Ordinal);
            case JinjaMap map:
                return JinjaMap.IsHashable(item) || item is JinjaUndefined ? map.TryGet(item, out _)
                    : throw run.Error($"{JinjaText.TypeName(item)} cannot be the key of a map");
            case JinjaUndefined:
                return false;
            case List<object?> or JinjaTuple or JinjaRange or JinjaView or JinjaGenerator:
                return JinjaValue.Items(run, container).Any(other => AreEqual(run, other, item));
            default:
                throw run.Error($"'in' does not fit {JinjaText.TypeName(container)}");
        }
    }

    private static bool AreEqual(JinjaRun run, IReadOnlyList<object?> left, IReadOnlyList<object?> right)
    {
        run.Enter();
        bool equal = left.Count == right.Count;
        for (int i = 0; equal && i < left.Count; i++)
        {
            equal = AreEqual(run, left[i], right[i]);
        }

        run.Leave();
        return equal;
    }

    private static int Order(JinjaRun run, string sign, IReadOnlyList<object?> left, IReadOnlyList<object?> right)
    {
        run.Enter();
        int order = 0;
        for (int i = 0; order == 0 && i < Math.Min(left.Count, right.Count); i++)
        {
            order = AreEqual(run, left[i], right[i]) ? 0 : Order(run, sign, left[i], right[i]);
        }

        run.Leave();
        return order != 0 ? order : left.Count.CompareTo(right.Count);
    }

    // By code points: characters beyond the basic plane come last.
    private static int OrderTexts(string left, string right)
    {
        int same = left.AsSpan().CommonPrefixLength(right);
        return same == left.Length || same == right.Length ? left.Length.CompareTo(right.Length)
            : char.IsSurrogate(left[same]) != char.IsSurrogate(right[same]) ? (char.IsSurrogate(left[same]) ? 1 : -1)
            : left[same].CompareTo(right[same]);
    }
}
