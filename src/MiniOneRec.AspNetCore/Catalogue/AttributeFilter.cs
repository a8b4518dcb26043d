using System.Text.Json;

namespace MiniOneRec.AspNetCore;

/// <summary>Makes a test of items from <c>where</c>.</summary>
/// <remarks>
/// An object of attribute and condition; all must hold. A condition is a value (equal, or contained in a list) or an object of <c>eq</c>,
/// <c>ne</c>, <c>lt</c>, <c>le</c>, <c>gt</c>,
/// <c>ge</c>, <c>in</c> and <c>exists</c>. <c>brand</c>, <c>category</c>, <c>title</c> and <c>id</c> name the item's own fields where no
/// attribute has the name. A missing attribute passes
/// <c>ne</c> and <c>exists: false</c> only.
/// </remarks>
internal static class AttributeFilter
{
    private const int MostConditions = 64;

    /// <summary>Compiles a test.</summary>
    /// <exception cref="ServingProblem">422 where it cannot be understood; the message names the attribute.</exception>
    public static Func<Item, bool> Compile(JsonElement where, string what)
    {
        if (where.ValueKind != JsonValueKind.Object)
        {
            throw ServingProblem.Invalid($"'{what}' is {where.ValueKind}; expected an object of attribute and condition.");
        }

        var tests = new List<Func<Item, bool>>();
        foreach (var attribute in where.EnumerateObject())
        {
            string name = attribute.Name;
            foreach (var test in Conditions(name, attribute.Value))
            {
                tests.Add(item => test(ValueOf(item, name)));
            }
        }

        return tests.Count switch
        {
            > MostConditions => throw ServingProblem.Invalid($"'{what}' has {tests.Count} conditions; expected at most {MostConditions}."),
            1 => tests[0],
            _ => item => tests.TrueForAll(test => test(item)),
        };
    }

    private static IEnumerable<Func<AttributeValue?, bool>> Conditions(string name, JsonElement condition)
    {
        if (condition.ValueKind != JsonValueKind.Object)
        {
            var wanted = Value(name, condition);
            yield return value => value is { } one && Equal(one, wanted);
            yield break;
        }

        foreach (var operation in condition.EnumerateObject())
        {
            var operand = operation.Value;
            switch (operation.Name)
            {
                case "eq":
                    var same = Value(name, operand);
                    yield return value => value is { } one && Equal(one, same);
                    break;
                case "ne":
                    var other = Value(name, operand);
                    yield return value => value is not { } one || !Equal(one, other);
                    break;
                case "in" when operand.ValueKind == JsonValueKind.Array:
                    AttributeValue[] any = [.. operand.EnumerateArray().Select(element => Value(name, element))];
                    yield return value => value is { } one && Array.Exists(any, wanted => Equal(one, wanted));
                    break;
                case "exists" when operand.ValueKind is JsonValueKind.True or JsonValueKind.False:
                    bool there = operand.GetBoolean();
                    yield return value => value.HasValue == there;
                    break;
                case "lt" or "le" or "gt" or "ge" when operand.ValueKind == JsonValueKind.Number:
                    double limit = operand.GetDouble();
                    yield return operation.Name switch
                    {
                        "lt" => value => value?.Number < limit,
                        "le" => value => value?.Number <= limit,
                        "gt" => value => value?.Number > limit,
                        _ => value => value?.Number >= limit,
                    };
                    break;
                default:
                    throw ServingProblem.Invalid(
                        $"The condition '{Short(operation.Name)}' of attribute '{Short(name)}' with {operand.ValueKind} is not known; "
                        + "expected eq, ne, in, exists, or lt, le, gt, ge with a number.");
            }
        }
    }

    private static AttributeValue? ValueOf(Item item, string name)
    {
        if (item.Attributes.TryGetValue(name, out var value))
        {
            return value;
        }

        return name switch
        {
            "id" => new AttributeValue(item.Id),
            "title" => new AttributeValue(item.Title),
            "brand" when item.Brand is { } brand => new AttributeValue(brand),
            "category" when item.Categories.Count > 0 => new AttributeValue(item.Categories),
            _ => (AttributeValue?)null,
        };
    }

    private static bool Equal(AttributeValue value, AttributeValue wanted) =>
        value.List is { } list && wanted.Text is { } text ? list.Contains(text, StringComparer.Ordinal) : value == wanted;

    private static AttributeValue Value(string name, JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => new AttributeValue(element.GetString()!),
        JsonValueKind.Number when element.TryGetDouble(out double number) && double.IsFinite(number) => new AttributeValue(number),
        JsonValueKind.True => new AttributeValue(true),
        JsonValueKind.False => new AttributeValue(false),
        _ => throw ServingProblem.Invalid(
            $"Attribute '{Short(name)}' is compared with {element.ValueKind}; expected a string, a number, true or false."),
    };

    private static string Short(string name) => name.Length <= 64 ? name : name[..64] + "…";
}
