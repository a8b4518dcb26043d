using System.Diagnostics;
using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>The answer to one request of a batch, or why it has none.</summary>
internal readonly record struct BatchOutcome(RecommendationResult? Result, Exception? Error);

/// <summary>Answers prepared requests together: prior, beam search, ranking. What fails for one request does not fail for the
/// others.</summary>
/// <param name="model">The decoder.</param>
/// <param name="template">Which tokens stand for codes.</param>
/// <param name="owner">The recommender, which its prior must not call.</param>
/// <param name="telemetry">Receives the figures of each batch, or <see langword="null"/>.</param>
/// <param name="logger">Receives one message per batch.</param>
/// <param name="reuse">Keeps users' last prompts, or <see langword="null"/>.</param>
internal sealed class BatchSearch(CausalLanguageModel model, IPromptTemplate template, object owner, RecommenderTelemetry? telemetry,
    ILogger logger, PromptReuse? reuse = null)
{
    /// <summary>Answers a batch on the calling thread.</summary>
    /// <param name="requests">The requests, at least one.</param>
    /// <param name="settings">Read once for the whole batch.</param>
    /// <param name="cancellationToken">Looked at between steps.</param>
    /// <returns>One outcome per request.</returns>
    public BatchOutcome[] Answer(IReadOnlyList<PreparedRequest> requests, ServingSettings settings, CancellationToken cancellationToken)
    {
        var outcomes = new BatchOutcome[requests.Count];
        var batch = new Batch(requests, settings, [.. requests.Select(request => new PriorMixture(request.Catalogue.Trie))], outcomes);
        long start = Stopwatch.GetTimestamp();
        PriorShare[] shares = [.. settings.Shares];
        foreach (var share in shares)
        {
            foreach (var group in Enumerable.Range(0, requests.Count).Where(i => outcomes[i].Error is null)
                .GroupBy(i => requests[i].Catalogue))
            {
                AddPrior(batch, share, group.Key, [.. group]);
            }
        }

        if (shares.Length > 0)
        {
            telemetry?.Stage("prior", start);
        }

        foreach (var group in Enumerable.Range(0, requests.Count)
            .Where(i => outcomes[i].Error is null)
            .GroupBy(i => (requests[i].Catalogue, Width: Math.Max(settings.Options.BeamWidth, requests[i].Request.Count),
                Resumes: Resumes(requests[i], settings.Options))))
        {
            Search(batch, [.. group], group.Key.Width, group.Key.Resumes, cancellationToken);
        }

        telemetry?.Batch(outcomes);
        Log.BatchAnswered(logger, requests.Count, outcomes.Count(outcome => outcome.Error is not null),
            Stopwatch.GetElapsedTime(start).TotalMilliseconds);
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

        telemetry!.Waited(alive);
        var activity = telemetry.StartBatch(alive);
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

    private void AddPrior(Batch batch, PriorShare share, Catalogue catalogue, int[] members)
    {
        PriorMixture[] mixtures = [.. members.Select(_ => new PriorMixture(catalogue.Trie))];
        try
        {
            using (UserCode.Enter(owner, "prior"))
            {
                PriorFolder.Add(share, catalogue,
                    [.. members.Select(i => batch.Requests[i].Request with { History = batch.Requests[i].History })], mixtures);
            }

            for (int m = 0; m < members.Length; m++)
            {
                batch.Mixtures[members[m]].Add(mixtures[m]);
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
                AddPrior(batch, share, catalogue, [i]);
            }
        }
    }

    private bool Resumes(PreparedRequest request, RecommenderOptions options) => options.PromptCacheMegabytes > 0
        && reuse is not null && PromptReuse.Suits(model) && reuse.Known(request.Request.UserId, request.Prompt, model.Lease.Runs) > 0;

    private void Search(Batch batch, int[] members, int width, bool resumes, CancellationToken cancellationToken)
    {
        var activity = telemetry?.StartSearch(members.Length, width, resumes);
        try
        {
            var options = batch.Settings.Options;
            var head = options.DenseWeight > 0 && model.Content is { HasHead: true } content ? content : null;
            var catalogue = batch.Requests[members[0]].Catalogue;
            PriorMixture[] mixtures = [.. members.Select(i => batch.Mixtures[i])];
            PriorMass?[] masses = [.. mixtures.Select(mixture => mixture.Fold())];
            var queries = members.Select(i => new BeamQuery(batch.Requests[i].Prompt)
            {
                Count = Wanted(batch.Requests[i], head is not null || !batch.Mixtures[i].IsEmpty, options),
                Mask = batch.Requests[i].Mask,
            }).Zip(masses, (query, mass) => query with { Prior = Guiding(mass) }).ToArray();
            var search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = width, Scoring = options.Scoring });
            long start = Stopwatch.GetTimestamp();
            IReadOnlyList<IReadOnlyList<Beam>> beams;
            using (model.Lease.Serve())
            {
                using var prompts = ((IDecodingBackbone)model).NewCache();
                beams = search.Search(model, queries, catalogue.Trie, template, prompts, head is null ? null : Guide, cancellationToken,
                    resumes ? () => Resume((PromptCache)prompts) : null);
                Keep(batch, members, prompts);
            }

            Tensor? Resume(PromptCache cache) => reuse!.Resume(model, [.. members.Select(i => batch.Requests[i].Request.UserId!)],
                [.. queries.Select(query => query.Prompt)], model.Lease.Runs, cache);

            // The dense head needs what the prompts' pass computes.
            IReadOnlyList<BeamQuery> Guide(TorchSharp.torch.Tensor hidden)
            {
                float[][] dense = DenseMasses.Of(head!, hidden, [.. queries.Select(query => query.Prompt)], catalogue.Index);
                mixtures = [.. mixtures.Zip(dense, (mixture, own) => mixture.With(own, options.DenseWeight))];
                masses = [.. mixtures.Select(mixture => mixture.Fold())];
                return [.. queries.Zip(masses, (query, mass) => query with { Prior = Guiding(mass) })];
            }

            // Beams look at new items as they will be ranked.
            PriorMass? Guiding(PriorMass? mass) => options.NewItemBonus > 0 && catalogue.HasNewItems
                ? mass?.Raised(catalogue.NewItems, options.NewItemBonus) : mass;

            telemetry?.Stage("search", start);
            start = Stopwatch.GetTimestamp();
            for (int m = 0; m < members.Length; m++)
            {
                int i = members[m];
                var mean = options.Fusion == SourceFusion.Geometric && !mixtures[m].IsEmpty ? mixtures[m].Geometric() : null;
                batch.Outcomes[i] = new BatchOutcome(BeamRanking.Rank(batch.Requests[i], beams[m], masses[m], mean, options), null);
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
                Search(batch, [i], width, resumes, cancellationToken);
            }
        }
        finally
        {
            RecommenderTelemetry.End(activity);
        }
    }

    private void Keep(Batch batch, int[] members, DecodingCache prompts)
    {
        long most = (long)batch.Settings.Options.PromptCacheMegabytes << 20;
        if (most == 0 || reuse is null || prompts is not PromptCache cache || !PromptReuse.Suits(model))
        {
            return;
        }

        for (int m = 0; m < members.Length; m++)
        {
            var request = batch.Requests[members[m]];
            if (request.Request.UserId is { } user)
            {
                reuse.Keep(user, request.Prompt, cache, m, model.Lease.Runs, most);
            }
        }
    }

    // A penalty puts each item of the history behind at most, a bonus any new item in front. Where a semantic ID has several items,
    // a prior ranks them apart, and a beam's score says too little of each; a geometric mean ranks all items that the beams found anew.
    private static int Wanted(PreparedRequest request, bool guided, RecommenderOptions options) =>
        (guided && (request.Catalogue.SharesSemanticIds || options.Fusion == SourceFusion.Geometric))
        || (options.NewItemBonus > 0 && request.Catalogue.HasNewItems) ? int.MaxValue
        : request.Request.Count + (options.HistoryPenalty > 0 || options.LastItemPenalty > 0 ? request.History.Length : 0);

    private sealed record Batch(IReadOnlyList<PreparedRequest> Requests, ServingSettings Settings, PriorMixture[] Mixtures,
        BatchOutcome[] Outcomes);
}
