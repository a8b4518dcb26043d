using System.Runtime.CompilerServices;
using MiniOneRec.Modeling;

namespace MiniOneRec.Alignment;

/// <summary>Names the forms of a sample of <see cref="NextItemTask"/>.</summary>
public enum NextItemMode
{
    /// <summary>One user's sequence: every next item is learned in one pass.</summary>
    Sequence,

    /// <summary>One history and the item that followed it.</summary>
    Row,
}

/// <summary>History of semantic IDs to the next one: what recommenders are asked (T1 of the paper).</summary>
/// <remarks>
/// In sequence mode the histories of one user share their beginnings: with the compact template a sequence is a single chain with a label
/// on every code, the first item's included; with text templates the rows of a user become one tree.
/// </remarks>
public sealed class NextItemTask : IAlignmentTask
{
    /// <inheritdoc/>
    public string Name => Prompt.NextSid;

    /// <inheritdoc/>
    public double Weight { get; init; } = 1;

    /// <summary>Gets the extent of one sample.</summary>
    /// <value>The default is <see cref="NextItemMode.Sequence"/>.</value>
    public NextItemMode Mode { get; init; } = NextItemMode.Sequence;

    /// <summary>Gets the most items of a sequence; of a longer one each epoch draws a window. Sequence mode only.</summary>
    /// <value>The default is 50.</value>
    public int MaxItems { get; init; } = 50;

    /// <summary>Gets the probability with which an epoch shows a random window of a sequence in place of the whole. Sequence mode
    /// only.</summary>
    /// <value>The default is 0.</value>
    public double WindowShare { get; init; }

    /// <summary>
    /// Gets the largest share of a label's probability that goes to what followed in other users' sequences, in proportion to how much is
    /// known; 0 to 1, 0 for hard labels. Sequence mode of the compact template only.
    /// </summary>
    /// <value>The default is 0.</value>
    public double TeacherShare { get; init; }

    /// <summary>
    /// Gets how often per item the teacher may draw another item and have it learned along that item's own codes; each draw happens with
    /// the probability that the teacher's share has there. Sequence mode of the compact template only.
    /// </summary>
    /// <remarks>
    /// Shares of a label's probability reach the first code of every item that the teacher names, but the deeper codes of the target's
    /// branch alone. A draw costs a token for every code but the last.
    /// </remarks>
    /// <value>The default is 0.</value>
    public int TeacherBranches { get; init; }

    /// <summary>Gets the longest history of a row. Row mode only.</summary>
    /// <value>The default is 10.</value>
    public int MaxHistory { get; init; } = 10;

    private readonly ConditionalWeakTable<AlignmentData, Taught> _taught = [];

    /// <inheritdoc/>
    public bool VariesByEpoch => Mode == NextItemMode.Sequence;

    /// <inheritdoc/>
    public IEnumerable<TokenSample> CreateSamples(TaskContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        return Mode == NextItemMode.Row ? Rows(context) : Sequences(context);
    }

    private IEnumerable<TokenSample> Rows(TaskContext context)
    {
        foreach (var row in context.Data.RowsOrPrefixes(MaxHistory))
        {
            var history = context.Data.KnownIds(row.History);
            if (history.Length == 0 || !context.Data.Index.TryGetSemanticId(row.Target, out var target))
            {
                context.Skip("no known item in the history, or an unknown target");
                continue;
            }

            yield return context.Sample(Name, $"{row.UserId}:{row.Target}", context.Template.NextItem(history), Response.Of(target));
        }
    }

    private IEnumerable<TokenSample> Sequences(TaskContext context)
    {
        var chains = context.Template is CompactTemplate { Terminator.Count: 0, Order: HistoryOrder.OldestFirst } compact ? compact : null;
        int limit = chains is null ? MaxItems : Math.Min(MaxItems, (context.MaxTokens - 1) / chains.Vocabulary.Depth);
        var taught = TeacherShare > 0 && chains is not null ? _taught.GetValue(context.Data, data => new Taught(data, this)) : null;
        foreach (var (number, sequence) in context.Data.Sequences.Index())
        {
            string[] known = [.. sequence.ItemIds.Where(item => context.Data.Index.TryGetRow(item, out _))];
            var items = Window(known, limit, context.Random);
            var ids = items.Select(item => context.Data.Index[item]).ToArray();
            if (ids.Length < 2)
            {
                context.Skip("fewer than two known items");
                continue;
            }

            if (chains is not null)
            {
                int[] tokens = chains.EncodePrompt(chains.NextItem(ids));
                bool[] labels = new bool[tokens.Length];
                labels.AsSpan(1).Fill(true);
                var lesson = taught?.Of(number, chains.Vocabulary, items, known);
                var chain = new TokenSample(tokens, labels, Name, sequence.UserId) { SoftLabels = lesson?.Labels ?? [] };
                TokenSample[] branches = lesson is null || TeacherBranches == 0 ? []
                    : [.. Branches(chain, ids, lesson.Guesses, taught!.Teacher, context, chains.Vocabulary)];
                yield return branches.Length == 0 ? chain : chain with { Group = sequence.UserId };
                foreach (var branch in branches)
                {
                    yield return branch;
                }

                continue;
            }

            for (int target = 1; target < ids.Length; target++)
            {
                yield return context.Sample(Name, $"{sequence.UserId}:{target}", context.Template.NextItem(ids[..target]),
                    Response.Of(ids[target]))
                    with { Group = sequence.UserId };
            }
        }
    }

    // The first code is taught where the branch leaves the chain, by the chain's own label.
    private IEnumerable<TokenSample> Branches(
        TokenSample chain, SemanticId[] ids, IReadOnlyList<TeacherGuesses> guesses, TransitionTeacher teacher, TaskContext context,
        SemanticIdVocabulary vocabulary)
    {
        int start = 1;
        for (int position = 0; position < ids.Length; position++)
        {
            for (int draw = 0; draw < TeacherBranches; draw++)
            {
                if (context.Random.NextDouble() >= TeacherShare * guesses[position].Confidence)
                {
                    continue;
                }

                var drawn = context.Data.Index.SemanticIds[guesses[position].Draw(context.Random)];
                if (drawn.Depth > 1)
                {
                    bool[] labels = new bool[start + drawn.Depth];
                    labels.AsSpan(start + 1).Fill(true);
                    yield return new TokenSample([.. chain.Tokens[..start], .. vocabulary.Encode(drawn)], labels, Name, chain.Id)
                    {
                        Group = chain.Id,
                        SoftLabels = [.. SoftLabels(teacher.ByLevel(guesses[position], drawn, first: 1), start, vocabulary, _ => 1)],
                    };
                }
            }

            start += ids[position].Depth;
        }
    }

    private static IEnumerable<SoftLabel> SoftLabels(
        (int[] Codes, float[] Probabilities, float Confidence)?[] levels, int start, SemanticIdVocabulary vocabulary, Func<float,
        double> share)
    {
        for (int level = 0; level < levels.Length; level++)
        {
            if (levels[level] is var (codes, probabilities, confidence))
            {
                yield return new SoftLabel(
                    start + level,
                    [.. codes.Select(code => vocabulary.Token(level, code))],
                    [.. probabilities.Select(probability => (float)(share(confidence) * probability))]);
            }
        }
    }

    private string[] Window(string[] items, int limit, Random random)
    {
        int length = Math.Min(items.Length, limit);
        if (WindowShare > 0 && length > 2 && random.NextDouble() < WindowShare)
        {
            length = random.Next(2, length + 1);
        }

        return length == items.Length ? items : items.AsSpan(random.Next(items.Length - length + 1), length).ToArray();
    }

    /// <summary>Holds the soft labels of a sequence.</summary>
    private sealed record Lesson(IReadOnlyList<SoftLabel> Labels, IReadOnlyList<TeacherGuesses> Guesses);

    /// <summary>The teacher of one data set and what it said of whole sequences, which is the same in every epoch.</summary>
    private sealed class Taught(AlignmentData data, NextItemTask task)
    {
        private readonly ConditionalWeakTable<SemanticIdVocabulary, Lesson?[]> _whole = [];

        public TransitionTeacher Teacher { get; } = new(data);

        public Lesson Of(int sequence, SemanticIdVocabulary vocabulary, IReadOnlyList<string> items, IReadOnlyList<string> whole) =>
            ReferenceEquals(items, whole)
            ? _whole.GetValue(vocabulary, _ => new Lesson?[data.Sequences.Count])[sequence] ??= Make(vocabulary, items, whole)
            : Make(vocabulary, items, whole);

        private Lesson Make(SemanticIdVocabulary vocabulary, IReadOnlyList<string> items, IReadOnlyList<string> whole)
        {
            var guesses = Teacher.Guess(items, whole);
            var labels = new List<SoftLabel>();
            int start = 1;
            foreach (var (item, guess) in items.Zip(guesses))
            {
                var id = data.Index[item];
                labels.AddRange(SoftLabels(Teacher.ByLevel(guess, id), start, vocabulary, confidence => task.TeacherShare * confidence));
                start += id.Depth;
            }

            return new Lesson(labels, task.TeacherBranches > 0 ? guesses : []);
        }
    }
}
