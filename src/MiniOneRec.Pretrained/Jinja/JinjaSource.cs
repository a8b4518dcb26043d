using System.Text;

namespace MiniOneRec.Pretrained;

/// <summary>The text of a template with line breaks as Jinja reads them; turns offsets into lines and columns.</summary>
internal sealed class JinjaSource
{
    /// <exception cref="InvalidDataException">The template is longer than the limit.</exception>
    public JinjaSource(string text, ChatTemplateLimits limits)
    {
        if (text.Length > limits.MaxTemplateLength)
        {
            throw new InvalidDataException(
                $"Chat template: it has {text.Length} characters; "
                + $"expected at most {limits.MaxTemplateLength} ({nameof(ChatTemplateLimits.MaxTemplateLength)}).");
        }

        text = text.Contains('\r', StringComparison.Ordinal)
            ? text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n')
            : text;
        Text = WellFormed(text.EndsWith('\n') ? text[..^1] : text);
    }

    /// <summary>Gets the text: CRLF and CR are LF, and one final line break is dropped.</summary>
    public string Text { get; }

    /// <summary>Makes the error of a place in the template.</summary>
    /// <param name="position">The offset in <see cref="Text"/>.</param>
    /// <param name="problem">What is wrong, as a clause without a full stop.</param>
    public InvalidDataException Error(int position, string problem)
    {
        var before = Text.AsSpan(0, Math.Clamp(position, 0, Text.Length));
        int line = before.Count('\n') + 1, column = before.Length - before.LastIndexOf('\n');
        problem = problem.Length > 400 ? problem[..400] + "…" : problem;
        var error = new InvalidDataException($"Chat template, line {line}, column {column}: {problem}.");
        error.Data["Line"] = line;
        error.Data["Column"] = column;
        return error;
    }

    /// <summary>Replaces halves of surrogate pairs by U+FFFD.</summary>
    public static string WellFormed(string text)
    {
        int surrogate = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF');
        if (surrogate < 0)
        {
            return text;
        }

        var clean = new StringBuilder(text.Length).Append(text, 0, surrogate);
        foreach (var rune in text.AsSpan(surrogate).EnumerateRunes())
        {
            clean.Append(rune.ToString());
        }

        return clean.ToString();
    }
}
