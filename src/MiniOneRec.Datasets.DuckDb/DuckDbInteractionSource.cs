using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MiniOneRec.Datasets.DuckDb;

/// <summary>Reads a log with DuckDB and filters, orders and divides it in SQL, with memory that does not grow with the log.</summary>
/// <remarks>
/// A call works in a database of its own below <see cref="DuckDbSourceOptions.TempDirectory"/>, which is gone when the call ends. What was
/// guessed is told to the observer, logged and kept in the report. Calls do not share anything and may run at the same time.
/// </remarks>
public sealed class DuckDbInteractionSource : IInteractionSource
{
    /// <summary>How many rounds of the k-core <see cref="PrintSqlAsync"/> writes unless told otherwise.</summary>
    public const int DefaultPrintedRounds = 8;

    private readonly DuckDbSourceOptions _source;
    private readonly ILogger _logger;

    /// <summary>Makes a source.</summary>
    /// <param name="options">The files, their layout, and the memory.</param>
    /// <param name="logger">The logger, or <see langword="null"/>.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public DuckDbInteractionSource(DuckDbSourceOptions options, ILogger<DuckDbInteractionSource>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        _source = OptionsValidation.Validated(options, new DuckDbSourceOptionsValidator(), new DuckDbSourceRulesValidator());
        _logger = logger ?? NullLogger<DuckDbInteractionSource>.Instance;
    }

    /// <inheritdoc/>
    public async Task<SplitDataset> LoadAsync(
        PreparationOptions? options = null, IPreparationObserver? observer = null, CancellationToken cancellationToken = default)
    {
        string folder = Path.Combine(_source.TempDirectory ?? Path.GetTempPath(), "minionerec-" + Guid.NewGuid().ToString("N"));
        try
        {
            await SaveAsync(folder, options, observer, cancellationToken).ConfigureAwait(false);
            var prepared = await PreparedDataset.LoadAsync(folder, _source, cancellationToken).ConfigureAwait(false);
            return await prepared.ToSplitDatasetAsync(cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    /// <inheritdoc/>
    /// <remarks>The folder is read by <see cref="PreparedDataset"/>; besides Parquet it holds <c>prepare.sql</c>, the SQL that made
    /// it.</remarks>
    public async Task<PreparationReport> SaveAsync(
        string folder, PreparationOptions? options = null, IPreparationObserver? observer = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var checkedOptions = PreparationOptions.Validated(options);
        ArtifactFolder.CheckTarget(folder, PreparedFolder.ManifestFile, PreparedFolder.Kind);
        PreparationReport? report = null;
        IOException? cause = null;
        try
        {
            await ArtifactFolder.SaveAsync(
                folder, PreparedFolder.ManifestFile, PreparedFolder.Kind, aside => Task.Run(() => MakeAsync(aside), cancellationToken),
                cancellationToken: cancellationToken)
                .ConfigureAwait(false);
        }
        catch (IOException) when (cause is not null)
        {
            ExceptionDispatchInfo.Throw(cause);         // a missing input is not a folder that could not be written
        }

        PreparationLog.Prepared(_logger, report!.Name, report.Users, report.Items, report.Interactions);
        return report;

        async Task<ArtifactManifest> MakeAsync(string aside)
        {
            try
            {
                (report, var manifest) = await WriteAsync(aside, checkedOptions, observer, cancellationToken).ConfigureAwait(false);
                return manifest;
            }
            catch (IOException e)
            {
                cause = e;
                throw;
            }
        }
    }

    /// <summary>Writes the steps as SQL without running them; only the first rows of the log are looked at.</summary>
    /// <param name="options">The steps, or <see langword="null"/> for the defaults.</param>
    /// <param name="rounds">How many rounds of the k-core are written; more than needed change nothing.</param>
    /// <param name="cancellationToken">Stops the work.</param>
    /// <returns>The statements. A window that grows (<see cref="PreparationOptions.MinItems"/>) is written as it is given.</returns>
    /// <exception cref="IOException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is bad or a column is missing.</exception>
    public Task<PreparationSql> PrintSqlAsync(PreparationOptions? options = null, int rounds = DefaultPrintedRounds,
        CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(rounds, 1);
        var checkedOptions = PreparationOptions.Validated(options);
        return Task.Run(
            async () =>
            {
                using var session = new DuckDbSession(_source);
                Action<string> say = _ => { };
                var plan = await new LogPlanner(session, _source, say, cancellationToken).PlanAsync(checkedOptions.Split)
                    .ConfigureAwait(false);
                if (plan.IsRows)
                {
                    return new PreparationSql([new PreparationStatement("read",
                        "CREATE TABLE rows AS\n" + new LogColumns(plan, session, _source, say, cancellationToken).SelectRows)]);
                }

                var preparation =
                    new Preparation(session, _source, checkedOptions, null, say, cancellationToken) { PrintedRounds = rounds };
                await preparation.PrepareAsync(plan).ConfigureAwait(false);
                preparation.Run("sequences", "CREATE TABLE sequences AS\n" + SplitSql.Sequences(preparation.Shape, checkedOptions));
                preparation.Run("items", SplitSql.Items(preparation.HasTexts));
                return new PreparationSql(preparation.Statements);
            },
            cancellationToken);
    }

    private async Task<(PreparationReport Report, ArtifactManifest Manifest)> WriteAsync(
        string folder, PreparationOptions options, IPreparationObserver? observer, CancellationToken cancellationToken)
    {
        using var session = new DuckDbSession(_source);
        var notes = new List<string>();
        void Say(string text)
        {
            notes.Add(text);
            observer?.OnMessage(text);
            PreparationLog.Guessed(_logger, text);
        }

        var watching = new LoggingObserver(_logger, observer);
        var plan = await new LogPlanner(session, _source, Say, cancellationToken).PlanAsync(options.Split).ConfigureAwait(false);
        var preparation = new Preparation(session, _source, options, watching, Say, cancellationToken);
        var writer = new PreparedWriter(session, preparation, options, watching, cancellationToken);
        var counts = plan.IsRows ? await writer.WriteRowsAsync(folder, plan, _source, Say).ConfigureAwait(false)
            : await writer.WriteSequencesAsync(folder, plan).ConfigureAwait(false);
        await File.WriteAllTextAsync(Path.Combine(folder, PreparedFolder.SqlFile), new PreparationSql(preparation.Statements).ToString(),
            cancellationToken).ConfigureAwait(false);
        var report = counts with { Name = plan.Name, Steps = preparation.Steps, Notes = notes };
        return (report, PreparedFolder.Manifest(report, options, plan));
    }

    /// <summary>Logs steps and passes them on.</summary>
    private sealed class LoggingObserver(ILogger logger, IPreparationObserver? next) : IPreparationObserver
    {
        public void OnStarted(string step) => next?.OnStarted(step);

        public void OnFinished(PreparationStep step)
        {
            PreparationLog.Step(logger, step.Name, step.Before, step.After);
            next?.OnFinished(step);
        }
    }
}
