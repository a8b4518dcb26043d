using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using MiniOneRec.Vectors;

namespace MiniOneRec.Tokenization;

/// <summary>The terms that count, with the inverse document frequency of each, and texts as rows over them.</summary>
/// <remarks>Terms are runs of lower-case words of two characters or more. Weight: (1 + ln tf) · (1 + ln((1 + n) / (1 + df))), then unit
/// length.</remarks>
internal sealed partial class TermVocabulary
{
    private readonly Dictionary<string, int> _columns;
    private readonly int _maxWords;
    private readonly int _maxTextWords;

    public TermVocabulary(IReadOnlyList<string> terms, float[] inverseFrequencies, int maxWords, int maxTextWords)
    {
        _columns = new Dictionary<string, int>(terms.Count, StringComparer.Ordinal);
        for (int column = 0; column < terms.Count; column++)
        {
            _columns[terms[column]] = column;
        }

        (Terms, InverseFrequencies, _maxWords, _maxTextWords) = (terms, inverseFrequencies, maxWords, maxTextWords);
    }

    public IReadOnlyList<string> Terms { get; }

    public float[] InverseFrequencies { get; }

    public static TermVocabulary Fit(IReadOnlyList<string> texts, TfIdfOptions options)
    {
        var frequencies = new Dictionary<string, int>(StringComparer.Ordinal);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string text in texts)
        {
            seen.Clear();
            foreach (string term in TermsOf(text, options.MaxWords, options.MaxTextWords))
            {
                if (seen.Add(term))
                {
                    CollectionsMarshal.GetValueRefOrAddDefault(frequencies, term, out _)++;
                }
            }
        }

        // In a tiny catalogue the bounds may leave nothing; then every term counts.
        double most = Math.Max(options.MinDocuments, options.MaxDocumentShare * texts.Count);
        var kept = frequencies.Where(pair => pair.Value >= options.MinDocuments && pair.Value <= most).ToArray();
        var terms = (kept.Length > 0 ? kept : [.. frequencies])
            .OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal)
            .Take(options.MaxTerms).ToArray();
        return new TermVocabulary(
            [.. terms.Select(pair => pair.Key)],
            [.. terms.Select(pair => (float)(1 + Math.Log((1.0 + texts.Count) / (1 + pair.Value))))],
            options.MaxWords,
            options.MaxTextWords);
    }

    /// <summary>Turns texts into rows of unit length; a text without a known term is an empty row.</summary>
    public SparseMatrix Transform(IReadOnlyList<string> texts)
    {
        var starts = new int[texts.Count + 1];
        var columns = new List<int>();
        var values = new List<float>();
        var counts = new SortedDictionary<int, int>();
        for (int row = 0; row < texts.Count; row++)
        {
            counts.Clear();
            foreach (string term in TermsOf(texts[row], _maxWords, _maxTextWords))
            {
                if (_columns.TryGetValue(term, out int column))
                {
                    counts[column] = counts.GetValueOrDefault(column) + 1;
                }
            }

            double squares = 0;
            foreach (var (column, count) in counts)
            {
                float weight = (1 + MathF.Log(count)) * InverseFrequencies[column];
                squares += weight * weight;
                columns.Add(column);
                values.Add(weight);
            }

            float scale = (float)(1 / Math.Sqrt(Math.Max(squares, 1e-30)));
            foreach (ref float value in CollectionsMarshal.AsSpan(values)[starts[row]..])
            {
                value *= scale;
            }

            starts[row + 1] = columns.Count;
        }

        return new SparseMatrix(texts.Count, Terms.Count, starts, [.. columns], [.. values]);
    }

    private static IEnumerable<string> TermsOf(string text, int maxWords, int maxTextWords)
    {
        var window = new List<string>(maxWords);
        int words = 0;
        for (var match = Word().Match(text); match.Success && words < maxTextWords; match = match.NextMatch(), words++)
        {
            if (window.Count == maxWords)
            {
                window.RemoveAt(0);
            }

            window.Add(match.Value.ToLower(CultureInfo.InvariantCulture));
            for (int length = 1; length <= window.Count; length++)
            {
                yield return length == 1 ? window[^1] : string.Join(' ', window.Skip(window.Count - length));
            }
        }
    }

    [GeneratedRegex(@"[\p{L}\p{M}\p{N}]{2,}")]
    private static partial Regex Word();
}
