using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace MiniOneRec.Modeling;

/// <summary>The answer to one request of a batch, or why it has none.</summary>
internal readonly record struct BatchOutcome(RecommendationResult? Result, Exception? Error);

/// <summary>Answers prepared requests together: prior, beam search, ranking. What fails for one request does not fail for the others.</summary>
/// <param name="model">The decoder.</param>
/// <param name="template">Which tokens stand for codes.</param>
/// <param name="owner">The recommender, which its prior must not call.</param>
/// <param name="telemetry">Receives the figures of each batch, or <see langword="null"/>.</param>
/// <param name="logger">Receives one message per batch.</param>
internal sealed class BatchSearch(CausalLanguageModel model, IPromptTemplate template, object owner, RecommenderTelemetry? telemetry, ILogger logger)
{
    /// <summary>Answers a batch on the calling thread.</summary>
    /// <param name="requests">The requests, at least one.</param>
    /// <param name="settings">Read once for the whole batch.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    /// <returns>One outcome per request.</returns>
    public BatchOutcome[] Answer(IReadOnlyList<PreparedRequest> requests, ServingSettings settings, CancellationToken cancellationToken)
    {
        var outcomes = new BatchOutcome[requests.Count];
        var batch = new Batch(requests, settings, new PriorMass?[requests.Count], outcomes);
        long start = Stopwatch.GetTimestamp();
        if (settings.Prior is { } prior && settings.Options.PriorWeight > 0)
        {
            foreach (var group in Enumerable.Range(0, requests.Count).GroupBy(i => requests[i].Catalogue))
            {
                FoldPrior(batch, prior, group.Key, [.. group]);
            }

            telemetry?.Stage("prior", start);
        }

        foreach (var group in Enumerable.Range(0, requests.Count)
            .Where(i => outcomes[i].Error is null)
            .GroupBy(i => (requests[i].Catalogue, Width: Math.Max(settings.Options.BeamWidth, requests[i].Request.Count))))
        {
            Search(batch, [.. group], group.Key.Width, cancellationToken);
        }

        telemetry?.Batch(outcomes);
        Log.BatchAnswered(logger, requests.Count, outcomes.Count(outcome => outcome.Error is not null), Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        return outcomes;
    }

    /// <summary>Completes every request of a batch, on the queue's thread; does not throw.</summary>
    /// <param name="batch">The requests; those that are late or have left are not computed.</param>
    /// <param name="settings">Read once for the whole batch.</param>
    /// <param name="stop">Cancelled when the recommender is disposed.</param>
    public void Complete(IReadOnlyList<PendingRequest> batch, ServingSettings settings, CancellationToken stop)
    {
        var alive = new List<PendingRequest>(batch.Count);
        foreach (var pending in batch)
        {
            if (pending.IsLate)
            {
                pending.Fail(RequestDeadline.Late());
            }
            else if (!pending.Answer.IsCompleted)
            {
                telemetry!.Stage("queued", pending.Enqueued);
                alive.Add(pending);
            }
        }

        if (alive.Count == 0)
        {
            return;
        }

        var activity = telemetry!.StartBatch(alive);
        try
        {
            var outcomes = Answer([.. alive.Select(pending => pending.Prepared)], settings, stop);
            foreach (var (pending, outcome) in alive.Zip(outcomes))
            {
                if (outcome.Error is { } error)
                {
                    pending.Fail(stop.IsCancellationRequested ? RequestQueue.Disposed() : error);
                }
                else
                {
                    pending.Succeed(outcome.Result!);
                }
            }
        }
#pragma warning disable CA1031 // A logger failed; every caller must get an answer.
        catch (Exception e)
#pragma warning restore CA1031
        {
            foreach (var pending in alive)
            {
                pending.Fail(e);
            }
        }
        finally
        {
            RecommenderTelemetry.End(activity);
        }
    }

    private static void Fail(Batch batch, IEnumerable<int> members, Exception error)
    {
        foreach (int i in members)
        {
            batch.Outcomes[i] = new BatchOutcome(null, error);
        }
    }

    private void FoldPrior(Batch batch, IItemScorer prior, Catalogue catalogue, int[] members)
    {
        try
        {
            PriorMass[] masses;
            using (UserCode.Enter(owner, "prior"))
            {
                masses = PriorFolder.Fold(prior, batch.Settings.Options, catalogue, [.. members.Select(i => batch.Requests[i].Request with { History = batch.Requests[i].History })]);
            }

            for (int m = 0; m < members.Length; m++)
            {
                batch.Masses[members[m]] = masses[m];
            }
        }
#pragma warning disable CA1031 // The exception is handed to the callers whose requests caused it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            if (members.Length == 1)
            {
                Fail(batch, members, e);
                return;
            }

            foreach (int i in members)
            {
                FoldPrior(batch, prior, catalogue, [i]);
            }
        }
    }

    private void Search(Batch batch, int[] members, int width, CancellationToken cancellationToken)
    {
        try
        {
            bool whole = batch.Settings.Options.HistoryPenalty != 0;
            var queries = members.Select(i => new BeamQuery(batch.Requests[i].Prompt)
            {
                Count = whole || batch.Masses[i] is not null ? int.MaxValue : batch.Requests[i].Request.Count,
                Mask = batch.Requests[i].Mask,
                Prior = batch.Masses[i],
            }).ToArray();
            var search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = width, Scoring = batch.Settings.Options.Scoring });
            long start = Stopwatch.GetTimestamp();
            IReadOnlyList<IReadOnlyList<Beam>> beams;
            using (model.Lease.Serve())
            {
                beams = search.Search(model, queries, batch.Requests[members[0]].Catalogue.Trie, template, cancellationToken);
            }

            telemetry?.Stage("search", start);
            start = Stopwatch.GetTimestamp();
            for (int m = 0; m < members.Length; m++)
            {
                int i = members[m];
                batch.Outcomes[i] = new BatchOutcome(BeamRanking.Rank(batch.Requests[i], beams[m], batch.Masses[i], batch.Settings.Options.HistoryPenalty), null);
                telemetry?.Beams(beams[m].Count);
            }

            telemetry?.Stage("rank", start);
        }
#pragma warning disable CA1031 // The exception is handed to the callers whose requests caused it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            if (members.Length == 1 || cancellationToken.IsCancellationRequested || model.Lease.Refuses)
            {
                Fail(batch, members, e);
                return;
            }

            foreach (int i in members)
            {
                Search(batch, [i], width, cancellationToken);
            }
        }
    }

    private sealed record Batch(IReadOnlyList<PreparedRequest> Requests, ServingSettings Settings, PriorMass?[] Masses, BatchOutcome[] Outcomes);
}
