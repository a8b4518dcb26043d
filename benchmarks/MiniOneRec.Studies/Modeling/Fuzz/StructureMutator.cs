using System.Text;
using System.Text.Json;

namespace MiniOneRec.Studies;

/// <summary>Damages files by their structure: kinds of values, keys, columns, blocks. What comes out is mostly well-formed, so that it
/// reaches the checks of meaning.</summary>
internal sealed class StructureMutator(Random random)
{
    private readonly StringBuilder _text = new();
    private int _target, _at;

    /// <summary>Makes a damaged copy.</summary>
    /// <param name="original">The bytes, which are of that structure.</param>
    /// <param name="structure">The structure.</param>
    public byte[] Mutate(byte[] original, FuzzStructure structure)
    {
        _text.Clear();
        switch (structure)
        {
            case FuzzStructure.Json:
                Json(original);
                break;
            case FuzzStructure.JsonLines:
                string[] lines = Encoding.UTF8.GetString(original).Split('\n');
                int line = random.Next(lines.Length);
                for (int i = 0; i < lines.Length; i++)
                {
                    if (i == line && lines[i].Length > 0)
                    {
                        Json(Encoding.UTF8.GetBytes(lines[i]));
                        _text.Append('\n');
                    }
                    else
                    {
                        _text.Append(lines[i]).Append('\n');
                    }
                }

                break;
            case FuzzStructure.Tabs or FuzzStructure.Commas:
                Table(Encoding.UTF8.GetString(original), structure == FuzzStructure.Tabs ? '\t' : ',');
                break;
            default:
                Template(Encoding.UTF8.GetString(original));
                break;
        }

        return Encoding.UTF8.GetBytes(_text.ToString());
    }

    private string OneOf(string[] words) => words[random.Next(words.Length)];

    private void Json(byte[] original)
    {
        using var document = JsonDocument.Parse(original);
        (_target, _at) = (random.Next(Count(document.RootElement)), 0);
        Write(document.RootElement);
    }

    private static int Count(JsonElement value) => 1 + value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().Sum(member => Count(member.Value)),
        JsonValueKind.Array => value.EnumerateArray().Sum(Count),
        _ => 0,
    };

    private void Write(JsonElement value)
    {
        bool here = _at++ == _target;
        if (here && (value.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array) || random.Next(4) == 0))
        {
            Replace(value);
            return;
        }

        if (value.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array))
        {
            _text.Append(value.GetRawText());
            return;
        }

        bool isObject = value.ValueKind == JsonValueKind.Object;
        List<(string? Key, JsonElement Value)> members = isObject
            ? [.. value.EnumerateObject().Select(member => ((string?)JsonSerializer.Serialize(member.Name)[1..^1], member.Value))]
            : [.. value.EnumerateArray().Select(element => ((string?)null, element))];
        int damage = here ? random.Next(6) : -1, place = members.Count == 0 ? 0 : random.Next(members.Count);
        if (damage == 0 && members.Count > 0)
        {
            members.RemoveAt(place);
        }
        else if (damage == 1 && members.Count > 0)
        {
            // in an object: the key once more
            members.InsertRange(place, Enumerable.Repeat(members[place], 1 + random.Next(random.Next(8) == 0 ? 500 : 2)));
        }
        else if (damage == 2 && members.Count > 0)
        {
            members[place] = (isObject ? members[place].Key + OneOf(FuzzWords.Keys) : null, members[place].Value);
        }
        else if (damage == 3 && members.Count > 1)
        {
            int other = random.Next(members.Count);
            (members[place], members[other]) = ((members[place].Key, members[other].Value), (members[other].Key, members[place].Value));
        }

        _text.Append(isObject ? '{' : '[');
        for (int i = 0; i < members.Count; i++)
        {
            _text.Append(i > 0 ? "," : "").Append(isObject ? $"\"{members[i].Key}\":" : "");
            if (damage == 4 && i == place)
            {
                _at += Count(members[i].Value);
                Replace(members[i].Value);
            }
            else
            {
                Write(members[i].Value);
            }
        }

        if (damage == 5)
        {
            _text.Append(members.Count > 0 ? "," : "").Append(isObject ? $"\"{OneOf(FuzzWords.Keys)}\":" : "")
                .Append(OneOf(FuzzWords.Values));
        }

        _text.Append(isObject ? '}' : ']');
    }

    private void Replace(JsonElement value)
    {
        string raw = value.GetRawText();
        switch (random.Next(8))
        {
            case 0:
                int depth = 1 << random.Next(12);
                _text.Append('[', depth).Append(raw).Append(']', depth);
                break;
            case 1:
                _text.Append('"').Append('x', 1 << random.Next(17)).Append('"');
                break;
            case 2 when value.ValueKind == JsonValueKind.String:
                _text.Append(raw.AsSpan(0, raw.Length - 1)).Append(OneOf(FuzzWords.Keys)).Append('"');
                break;
            case 3 when value.ValueKind == JsonValueKind.Number:
                _text.Append(raw).Append(random.Next(2) == 0 ? "e9" : "000000000");
                break;
            case 4:
                _text.Append('{').Append("\"a\":").Append(raw).Append('}');
                break;
            default:
                _text.Append(OneOf(FuzzWords.Values));
                break;
        }
    }

    private void Table(string text, char separator)
    {
        List<string[]> rows = [.. text.Split('\n').Select(line => line.Split(separator))];
        int row = random.Next(rows.Count), width = rows[0].Length, first = random.Next(width), second = random.Next(width);
        switch (random.Next(9))
        {
            case 0:
                Each(cells => (cells[first], cells[second]) = (cells[second], cells[first]));
                break;
            case 1:
                rows = rows.ConvertAll(cells => cells.Length == width ? [.. cells.Where((_, place) => place != first)] : cells);
                break;
            case 2:
                rows = rows.ConvertAll(cells => cells.Length == width ? [.. cells, cells[first]] : cells);
                break;
            case 3:
                rows[row] = [.. rows[row].Where((_, place) => place != first)];
                break;
            case 4:
                rows.Insert(row, rows[random.Next(rows.Count)]);
                break;
            case 5:
                (rows[row], rows[0]) = (rows[0], rows[row]);
                break;
            case 6:
                string value = OneOf(FuzzWords.Cells);
                Each(cells => cells[first] = value);
                break;
            case 7:
                rows[0] = (string[])rows[0].Clone();
                rows[0][first] = OneOf(FuzzWords.Cells);
                break;
            default:
                rows[row] = (string[])rows[row].Clone();
                rows[row][random.Next(rows[row].Length)] = OneOf(FuzzWords.Cells);
                break;
        }

        _text.AppendJoin(random.Next(6) == 0 ? "\r\n" : "\n", rows.Select(cells => string.Join(separator, cells)));

        void Each(Action<string[]> change)
        {
            foreach (string[] cells in rows.Where(cells => cells.Length == width))
            {
                change(cells);
            }
        }
    }

    private void Template(string text)
    {
        var pieces = new List<string>();
        for (int at = 0; at < text.Length;)
        {
            int open = text.IndexOf('{', at), close = open < 0 ? -1 : text.IndexOf('}', open);
            if (close < 0)
            {
                pieces.Add(text[at..]);
                break;
            }

            close = close + 1 < text.Length && text[close + 1] == '}' ? close + 2 : close + 1;
            pieces.Add(text[at..open]);
            pieces.Add(text[open..close]);
            at = close;
        }

        int place = random.Next(pieces.Count), other = random.Next(pieces.Count);
        switch (random.Next(6))
        {
            case 0:
                pieces.RemoveAt(place);
                break;
            case 1:
                (pieces[place], pieces[other]) = (pieces[other], pieces[place]);
                break;
            case 2:
                pieces.InsertRange(place, Enumerable.Repeat(pieces[other], 1 << random.Next(13)));
                break;
            case 3:
                string open = random.Next(3) switch { 0 => "{% if true %}", 1 => "{% for a in [1, 2] %}", _ => "{{ ((" };
                pieces.InsertRange(place, Enumerable.Repeat(open, 1 << random.Next(11)));
                break;
            case 4:
                int depth = 1 << random.Next(13);
                pieces.Insert(place, "{{ " + new string(random.Next(2) == 0 ? '(' : '[', depth) + "1"
                    + new string(random.Next(2) == 0 ? ')' : ']', depth) + " }}");
                break;
            default:
                pieces.Insert(place, OneOf(FuzzWords.Expressions));
                break;
        }

        _text.AppendJoin("", pieces);
    }
}
