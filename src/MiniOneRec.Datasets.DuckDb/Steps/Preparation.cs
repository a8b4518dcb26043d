using System.Globalization;

namespace MiniOneRec.Datasets.DuckDb;

/// <summary>Runs the steps of one preparation, or only writes them down.</summary>
internal sealed partial class Preparation(
    DuckDbSession session, DuckDbSourceOptions source, PreparationOptions options, IPreparationObserver? observer, Action<string> say,
    CancellationToken cancellationToken)
{
    private const int FirstYear = 1996, MaxRounds = 1000;

    private readonly List<PreparationStatement> _statements = [];
    private readonly List<PreparationStep> _steps = [];
    private string _from = "interactions";
    private long _count;
    private LogShape _shape;

    /// <summary>Gets how many rounds of the k-core are written where nothing runs; <see langword="null"/> runs the steps.</summary>
    public int? PrintedRounds { get; init; }

    /// <summary>Gets the statements so far.</summary>
    public IReadOnlyList<PreparationStatement> Statements => _statements;

    /// <summary>Gets the steps so far.</summary>
    public IReadOnlyList<PreparationStep> Steps => _steps;

    /// <summary>Gets the columns of the log.</summary>
    public LogShape Shape => _shape;

    /// <summary>Gets whether there is a catalogue with texts.</summary>
    public bool HasTexts { get; private set; }

    private bool Runs => PrintedRounds is null;

    /// <summary>Reads, filters and orders the log; afterwards the tables <c>users</c> and <c>events</c> exist, and the cuts of a split by
    /// time.</summary>
    public async Task PrepareAsync(LogPlan plan)
    {
        Require(plan);
        await ReadAsync(plan).ConfigureAwait(false);
        await ReadTextsAsync(plan).ConfigureAwait(false);
        Filter();
        Window();
        Clean();
        Core();
        if (options.Split == PreparationSplit.Time)
        {
            Started("split");
            foreach (string text in SplitSql.Cuts(options.TrainShare, options.ValidationShare))
            {
                Run("split", text);
            }
        }
    }

    /// <summary>Writes a statement down and runs it.</summary>
    public void Run(string step, string text)
    {
        _statements.Add(new PreparationStatement(step, text));
        if (Runs)
        {
            session.Execute(text, cancellationToken);
        }
    }

    /// <summary>Writes a statement down that is run in another form.</summary>
    public void Note(string step, string text) => _statements.Add(new PreparationStatement(step, text));

    /// <summary>Tells the observer that a step starts.</summary>
    public void Started(string step)
    {
        if (Runs)
        {
            observer?.OnStarted(step);
        }
    }

    /// <summary>Notes the counts of a step.</summary>
    public void Finished(string step, long before, long after)
    {
        _steps.Add(new PreparationStep(step, before, after));
        observer?.OnFinished(_steps[^1]);
    }

    private void Require(LogPlan plan)
    {
        _shape = new LogShape(plan.Has(Role.Time), plan.Has(Role.Event), plan.Has(Role.Rating), plan.Has(Role.Weight), plan.HasParts);
        void Needs(bool wanted, bool there, string what, string option)
        {
            if (wanted && !there)
            {
                throw new InvalidDataException(
                    $"{plan.Subject} has no column of {what}, which {option} needs; "
                    + $"set Columns.{what} (--{what.ToLowerInvariant()}), or leave {option} out.");
            }
        }

        Needs(options.Split == PreparationSplit.Time, _shape.HasTime, "Time", "Split = Time");
        Needs(options.Start is not null || options.End is not null, _shape.HasTime, "Time", "a time window (Start, End)");
        Needs(options.SessionGapMinutes is not null, _shape.HasTime, "Time", nameof(options.SessionGapMinutes));
        Needs(options.MaxPerMinute is not null, _shape.HasTime, "Time", nameof(options.MaxPerMinute));
        Needs(options.Events.Count > 0, _shape.HasEvent, "Event", nameof(options.Events));
        Needs(options.MinRating is not null, _shape.HasRating, "Rating", nameof(options.MinRating));
        if (options.Split == PreparationSplit.Given && options.SessionGapMinutes is not null)
        {
            throw new ArgumentException(
                "Split is Given and SessionGapMinutes is set; sessions cannot be cut across given parts. Leave one of them out.");
        }
    }

    private async Task ReadAsync(LogPlan plan)
    {
        const string Step = "read";
        Started(Step);
        var columns = new LogColumns(plan, session, source, say, cancellationToken);
        var whole = Runs ? Task.WhenAll(plan.Packed.Select(VerifyAsync)) : Task.CompletedTask;
        try
        {
            Run(Step, "CREATE TABLE interactions AS\n" + columns.Select);
        }
        catch (InvalidDataException) when (plan.Packed.Count > 0)
        {
            await whole.ConfigureAwait(false);      // a file that was cut off says so first
            throw;
        }

        await whole.ConfigureAwait(false);
        if (Runs)
        {
            long rows = session.Count("SELECT count(*) FROM interactions", cancellationToken);
            Finished(Step, rows, rows);
            _count = rows;
            foreach (var role in plan.Columns.Keys)
            {
                if (role is not (Role.User or Role.Item or Role.Event)
                    && session.Count(
                        $"SELECT count(*) FROM (SELECT 1 FROM interactions WHERE {LogColumns.Column(role)} IS NULL LIMIT 1) AS empty",
                        cancellationToken) > 0)
                {
                    columns.FindBadValue(role);
                }
            }

            if (_shape.HasTime)
            {
                columns.RequireOneUnit("interactions");
            }
        }

        View("incomplete rows", "complete", StepSql.Complete(_from, _shape), () =>
        {
            var needed = plan.Columns.Where(pair => pair.Key is Role.User or Role.Item or Role.Time).Select(pair => $"'{pair.Value}'");
            return $"every row lacks {string.Join(" or ", needed)}; set Columns.Time (--time) to '' if the log has no times";
        });
        if (_steps is [.., { Name: "incomplete rows" } step] && step.After < step.Before)
        {
            say($"{step.Before - step.After} of {step.Before} rows lack a user, an item or a time and were left out.");
        }

        async Task VerifyAsync(string path)
        {
            var stream = DataFile.Open(path, "File", "interactions", source.Limits);
            await using (stream.ConfigureAwait(false))
            {
                byte[] buffer = new byte[1 << 20];
                while (await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) > 0)
                {
                }
            }
        }
    }

    private async Task ReadTextsAsync(LogPlan plan)
    {
        if (source.Items.Count == 0)
        {
            return;
        }

        const string Step = "items";
        Started(Step);
        HasTexts = true;
        var reader = new ItemTextReader(session, source, plan.Format, say, cancellationToken);
        Note(Step, ItemTextReader.Create);
        long texts = await reader.ReadAsync(PrintedRounds is null).ConfigureAwait(false);
        bool amazon = plan.Format is InteractionFormat.Amazon2018 or InteractionFormat.Amazon2018Ratings or InteractionFormat.Amazon2023;
        int words = options.MaxTitleWords ?? (amazon ? 20 : 0);
        if (options.MaxTitleWords is null && amazon)
        {
            say("Items without a usable title of at most 20 words are left out; set MaxTitleWords to 0 to keep them.");
        }

        Run(Step, StepSql.Catalogue(words, options.CleanText));
        View(Step, "known", StepSql.Known(_from), () =>
        {
            string of = session.Scalar($"SELECT CAST(min(item_id) AS VARCHAR) FROM {_from}", cancellationToken) as string ?? "";
            string there = session.Scalar("SELECT min(item_id) FROM catalogue", cancellationToken) as string ?? "";
            return $"no item of the log, for example '{of}', is one of the {texts} items of '{source.Items[0]}', for example '{there}'; "
                + "check Columns.Item (--item) and the items file";
        });
    }

    /// <summary>Adds a step that gives a view or table of another name.</summary>
    private void View(string step, string name, string text, Func<string> remedy) => Step(step, name, [text], remedy);

    private void Step(string step, string name, IEnumerable<string> texts, Func<string> remedy)
    {
        Started(step);
        foreach (string text in texts)
        {
            Run(step, text);
        }

        if (Runs)
        {
            long after = session.Count($"SELECT count(*) FROM {name}", cancellationToken);
            if (after == 0)
            {
                throw Empty(step, remedy());
            }

            Finished(step, _count, after);
            _count = after;
        }

        _from = name;
    }

    private InvalidDataException Empty(string step, string remedy) =>
        new($"{session.Subject}: the step '{step}' leaves none of {_count.ToString(CultureInfo.InvariantCulture)} interactions: {remedy}.");
}
