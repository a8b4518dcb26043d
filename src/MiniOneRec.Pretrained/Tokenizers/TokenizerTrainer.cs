using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MiniOneRec.Pretrained;

/// <summary>Learns a byte-level BPE tokenizer from texts, for language models that are trained from scratch.</summary>
/// <remarks>
/// Sennrich et al. (arXiv:1508.07909), algorithm 1, over bytes and cut as GPT-2 cuts text. Of pairs that are equally frequent the one whose
/// spelling comes first is merged, so that equal texts give equal tokenizers. Every text can be written: all bytes are tokens. Files are
/// those of Hugging Face.
/// </remarks>
public static class TokenizerTrainer
{
    /// <summary>The text of the token that ends a response; its id is 0.</summary>
    public const string EndText = "<|endoftext|>";

    private const int Bytes = 256;
    private const string Source = "trained tokenizer";

    /// <summary>Learns a tokenizer.</summary>
    /// <param name="texts">The texts, for example titles and prompts; each counts as often as it is given.</param>
    /// <param name="vocabularySize">How many tokens there are at most, the end token and the 256 bytes included. There are fewer where no
    /// pair occurs twice.</param>
    /// <exception cref="ArgumentOutOfRangeException">The vocabulary has no room for all bytes and the end token.</exception>
    public static TextTokenizer Train(IEnumerable<string> texts, int vocabularySize = 2_000)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentOutOfRangeException.ThrowIfLessThan(vocabularySize, Bytes + 1);
        string[] letters = [.. Enumerable.Range(0, Bytes).Select(value => ByteAlphabet.LetterOf((byte)value).ToString())];
        var vocabulary = new List<string>(letters);
        var ids = letters.Index().ToDictionary(pair => pair.Item, pair => pair.Index, StringComparer.Ordinal);
        var pairs = new PairCounts(Words(texts), vocabulary);
        var merges = new List<(string Left, string Right)>();
        while (1 + vocabulary.Count < vocabularySize && pairs.Best() is { } best)
        {
            var (left, right) = (vocabulary[best.Left], vocabulary[best.Right]);
            merges.Add((left, right));
            if (!ids.TryGetValue(left + right, out int id))             // another pair may spell the same
            {
                ids.Add(left + right, id = vocabulary.Count);
                vocabulary.Add(left + right);
            }

            pairs.Merge(best, id);
        }

        return TextTokenizer.Parse(Json(vocabulary, merges), Source, new TokenizerSettings { EndToken = EndText });
    }

    private static Dictionary<string, int> Words(IEnumerable<string> texts)
    {
        var splitter = SplitPatterns.Of(SplitPatterns.Gpt2);
        var words = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (string text in texts)
        {
            foreach (var piece in splitter.EnumerateMatches(text))
            {
                CollectionsMarshal.GetValueRefOrAddDefault(
                    words, ByteAlphabet.Spell(text.AsSpan(piece.Index, piece.Length)), out _)++;
            }
        }

        return words;
    }

    private static byte[] Json(List<string> vocabulary, List<(string Left, string Right)> merges)
    {
        static JsonObject ByteLevel() => new()
        {
            ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true,
        };
        var ids = new JsonObject { [EndText] = 0 };
        foreach (string token in vocabulary)
        {
            ids[token] = ids.Count;
        }

        var root = new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = new JsonArray(new JsonObject
            {
                ["id"] = 0, ["content"] = EndText, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false, ["normalized"] = false,
                ["special"] = true,
            }),
            ["normalizer"] = null,
            ["pre_tokenizer"] = ByteLevel(),
            ["post_processor"] = null,
            ["decoder"] = ByteLevel(),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE", ["dropout"] = null, ["unk_token"] = null, ["continuing_subword_prefix"] = null,
                ["end_of_word_suffix"] = null, ["fuse_unk"] = false, ["byte_fallback"] = false, ["ignore_merges"] = false, ["vocab"] = ids,
                ["merges"] = new JsonArray([.. merges.Select(pair => new JsonArray(pair.Left, pair.Right))]),
            },
        };
        return Encoding.UTF8.GetBytes(root.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
    }

    /// <summary>How often each pair of neighbouring tokens occurs in the words so far.</summary>
    private sealed class PairCounts
    {
        private readonly List<(List<int> Tokens, int Count)> _words = [];
        private readonly Dictionary<(int Left, int Right), long> _counts = [];
        private readonly Dictionary<(int Left, int Right), HashSet<int>> _places = [];
        private readonly List<string> _vocabulary;

        public PairCounts(Dictionary<string, int> words, List<string> vocabulary)
        {
            _vocabulary = vocabulary;
            foreach (var (word, count) in words.OrderBy(pair => pair.Key, StringComparer.Ordinal))
            {
                _words.Add(([.. word.Select(letter => (int)ByteAlphabet.ByteOf(letter))], count));
                Count(_words.Count - 1, 1);
            }
        }

        /// <summary>Finds the most frequent pair, or <see langword="null"/> where none occurs twice.</summary>
        public (int Left, int Right)? Best()
        {
            (int Left, int Right)? best = null;
            long most = 1;
            foreach (var (pair, count) in _counts)
            {
                if (count > most || (count == most && best is { } than && IsBefore(pair, than)))
                {
                    (best, most) = (pair, count);
                }
            }

            return best;
        }

        /// <summary>Puts a new token in the place of a pair, in every word.</summary>
        public void Merge((int Left, int Right) pair, int token)
        {
            foreach (int word in _places[pair].ToArray())
            {
                Count(word, -1);
                var tokens = _words[word].Tokens;
                for (int i = 0; i + 1 < tokens.Count; i++)
                {
                    if (tokens[i] == pair.Left && tokens[i + 1] == pair.Right)
                    {
                        tokens[i] = token;
                        tokens.RemoveAt(i + 1);
                    }
                }

                Count(word, 1);
            }
        }

        private void Count(int word, int sign)
        {
            var (tokens, count) = _words[word];
            for (int i = 0; i + 1 < tokens.Count; i++)
            {
                var pair = (tokens[i], tokens[i + 1]);
                ref long total = ref CollectionsMarshal.GetValueRefOrAddDefault(_counts, pair, out _);
                total += sign * (long)count;
                if (!_places.TryGetValue(pair, out var places))
                {
                    _places[pair] = places = [];
                }

                if (sign > 0)
                {
                    places.Add(word);
                }
                else
                {
                    places.Remove(word);
                }

                if (total == 0)
                {
                    _counts.Remove(pair);
                    _places.Remove(pair);
                }
            }
        }

        private bool IsBefore((int Left, int Right) pair, (int Left, int Right) than)
        {
            int order = string.CompareOrdinal(_vocabulary[pair.Left], _vocabulary[than.Left]);
            return (order != 0 ? order : string.CompareOrdinal(_vocabulary[pair.Right], _vocabulary[than.Right])) < 0;
        }
    }
}
