using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using MiniOneRec.Modeling;
using MiniOneRec.Stores;

namespace MiniOneRec.AspNetCore;

/// <summary>Answers queries: history, model, request, boosts, reasons.</summary>
internal sealed class RecommendService(
    ModelRegistry models, LiveCatalogue live, IHistoryStore histories, Attribution attribution, ShadowRunner shadows,
    ServingTelemetry telemetry, ServingTraces traces, IOptions<ServingOptions> options, TimeProvider time)
    : IDisposable
{
    private const int DefaultCount = 10;
    private const int MostBoosts = 32;
    private const double LargestBoost = 1_000;
    private const double LowestScore = -1e9;                        // JSON has no infinity
    private readonly SemaphoreSlim _explaining = new(1, 1);

    /// <summary>Answers queries, in their order; one that cannot be answered fails all of them.</summary>
    public async Task<RecommendAnswer[]> AnswerAsync(IReadOnlyList<RecommendQuery> queries, CancellationToken cancellationToken)
    {
        var prepared = new Prepared[queries.Count];
        try
        {
            for (int i = 0; i < prepared.Length; i++)
            {
                prepared[i] = await PrepareAsync(queries[i], queries.Count == 1 ? "The request" : $"Request {i}", cancellationToken)
                    .ConfigureAwait(false);
            }

            var answers = new RecommendAnswer[prepared.Length];
            await Task.WhenAll(Enumerable.Range(0, prepared.Length).GroupBy(i => prepared[i].Lease.Model).Select(async group =>
            {
                int[] members = [.. group];
                var results = await group.Key.Recommender.RecommendAsync([.. members.Select(i => prepared[i].Request)], cancellationToken)
                    .ConfigureAwait(false);
                foreach (var (i, result) in members.Zip(results))
                {
                    answers[i] = await FinishAsync(prepared[i], result, cancellationToken).ConfigureAwait(false);
                }
            })).ConfigureAwait(false);
            return answers;
        }
        finally
        {
            foreach (var one in prepared.Where(one => one is not null))
            {
                one.Lease.Dispose();
            }
        }
    }

    public void Dispose() => _explaining.Dispose();

    /// <summary>Gets the score as a number of JSON: an item to which every source gives the probability 0 has −10⁹.</summary>
    internal static double Written(double score) => Math.Max(score, LowestScore);

    private async Task<Prepared> PrepareAsync(RecommendQuery query, string what, CancellationToken cancellationToken)
    {
        var limits = options.Value;
        int count = query.Count ?? DefaultCount;
        if (count < 1 || count > limits.MaxCount)
        {
            throw ServingProblem.Invalid($"{what} asks for {count} items; expected 1 to {limits.MaxCount}.");
        }

        string? user = InputRules.OptionalKey(query.UserId, "userId");
        string scenario = InputRules.OptionalKey(query.Scenario, "scenario") ?? "";
        if (query.History is null && user is null)
        {
            throw ServingProblem.Invalid($"{what} has neither history nor userId.");
        }

        if (query.History?.Count > limits.MaxHistory)
        {
            throw ServingProblem.Invalid($"{what} has a history of {query.History.Count} items; expected at most {limits.MaxHistory}.");
        }

        if (query.DeadlineMilliseconds < 1)
        {
            throw ServingProblem.Invalid($"{what} has a deadline of {query.DeadlineMilliseconds} ms; expected at least 1.");
        }

        foreach (string? id in (query.History ?? []).Concat(query.Exclude ?? []))
        {
            InputRules.Key(id, "An item id");
        }

        long due = Math.Min(query.DeadlineMilliseconds ?? limits.TimeoutMilliseconds, limits.TimeoutMilliseconds);
        var deadline = time.GetUtcNow().AddMilliseconds(due);
        bool excludeSeen = query.ExcludeSeen == true;
        string[] stored = user is not null && (query.History is null || excludeSeen)
            ? await StoredAsync(user, cancellationToken).ConfigureAwait(false) : [];
        string[] history = query.History is null ? stored : [.. query.History];
        var excluded = new HashSet<string>(query.Exclude ?? [], StringComparer.Ordinal);
        if (excludeSeen)
        {
            excluded.UnionWith(stored);
        }

        var (where, boosts) = (query.Where is { } test ? AttributeFilter.Compile(test, "where") : null, BoostsOf(query, what));
        var lease = models.Choose(InputRules.OptionalKey(query.Model, "model"), user ?? string.Join('\n', history));
        int catalogue = lease.Model.Recommender.Index.Count, free = Math.Max(lease.Model.BeamWidth, DefaultCount);
        int asked = boosts.Length > 0 ? Math.Max(count, Math.Min(lease.Model.BeamWidth, catalogue)) : count;
        asked = Math.Min(asked, Math.Max(catalogue, free));         // of a small catalogue more cannot be asked; the answer has a shortfall
        var items = live.Items.Items;
        return new Prepared(lease, count, scenario, user, query.Explain == true, boosts, live.RevisionOf(lease.Model),
            new RecommendationRequest(asked)
        {
            History = history,
            ExcludedItems = excluded.Count == 0 ? null : excluded,
            ExcludeHistory = excludeSeen ? true : null,
            CandidateFilter = where is null ? null : id => where(items.TryGetValue(id, out var item) ? item : new Item { Id = id }),
            Deadline = deadline,
            UserId = user,
        });
    }

    private async Task<string[]> StoredAsync(string user, CancellationToken cancellationToken)
    {
        var events = await traces.StoreAsync("history.read", () => histories.ReadAsync(user, options.Value.MaxHistory, cancellationToken))
            .ConfigureAwait(false);
        var types = options.Value.HistoryTypes;
        return [.. events.Where(one => types.Count == 0 || types.Contains(one.EventType ?? "")).Select(one => one.ItemId)];
    }

    private static (Func<Item, bool> Test, double Add)[] BoostsOf(RecommendQuery query, string what)
    {
        if (query.Boost is not { Count: > 0 } rules)
        {
            return [];
        }

        if (rules.Count > MostBoosts || rules.Any(rule => !(Math.Abs(rule.Add) <= LargestBoost)))
        {
            throw ServingProblem.Invalid(string.Create(CultureInfo.InvariantCulture,
                $"{what} has {rules.Count} boosts; "
                + $"expected at most {MostBoosts}, each with 'add' from {-LargestBoost} to {LargestBoost}."));
        }

        return [.. rules.Select(rule => (AttributeFilter.Compile(rule.Where, "boost"), rule.Add))];
    }

    private async Task<RecommendAnswer> FinishAsync(Prepared one, RecommendationResult result, CancellationToken cancellationToken)
    {
        var (model, table) = (one.Lease.Model, live.Items.Items);
        var ranked = result.Items;
        if (one.Boosts.Length > 0)
        {
            ranked =
            [
                .. result.Items.Select(item => item with { Score = item.Score + Boost(item.ItemId) }).OrderByDescending(item => item.Score)
                    .Take(one.Count),
            ];
        }

        var reasons = one.Explain ? await ReasonsAsync(one, ranked, cancellationToken).ConfigureAwait(false) : null;
        var answer = new RecommendAnswer
        {
            RecommendationId = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16)),
            Model = model.Name,
            ModelRevision = model.Revision,
            CatalogRevision = one.CatalogRevision,
            Items =
            [
                .. ranked.Select((item, i) => new RecommendedItem(item.ItemId, Written(item.Score), item.SemanticId?.ToString())
                {
                    Title = table.TryGetValue(item.ItemId, out var known) && known.Title.Length > 0 ? known.Title : null,
                    Why = reasons?[i],
                }),
            ],
            SkippedHistoryItems = result.SkippedHistoryItems,
            Shortfall = one.Count - ranked.Count,
        };
        string scenario = attribution.Given(answer.RecommendationId, model.Name, one.Scenario, one.User,
            [.. ranked.Select(item => item.ItemId)]);
        telemetry.Recommended(model.Name, scenario, one.Request.CandidateFilter is not null || one.Request.ExcludedItems is not null);
        shadows.Compare(one.Request, answer.Items, model.Name);
        return answer;

        double Boost(string id) => table.TryGetValue(id, out var item)
            ? one.Boosts.Where(boost => boost.Test(item)).Sum(boost => boost.Add) : 0;
    }

    private async Task<ItemReason?[]> ReasonsAsync(Prepared one, IReadOnlyList<Recommendation> items, CancellationToken cancellationToken)
    {
        await _explaining.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var recommender = one.Lease.Model.Recommender;
            var reasons = await Task.Run(
                () => AnswerExplainer.Explain(recommender, one.Request.History, [.. items.Select(item => item.ItemId)]), cancellationToken)
                .ConfigureAwait(false);
            return [.. reasons.Zip(items, (reason, item) => reason is null || item.SemanticId is null ? null : Reason(reason,
                item.SemanticId))];
        }
        finally
        {
            _explaining.Release();
        }
    }

    private static ItemReason Reason(AnswerReason reason, SemanticId id)
    {
        var codes = new List<CodeReason>(id.Depth);
        for (int level = 0; level < id.Depth; level++)
        {
            codes.Add(new CodeReason(SemanticId.TokenText(level, id[level]), reason.LogProbabilities[level]));
        }

        return new ItemReason(codes, reason.LogProbabilities[id.Depth..].Sum(),
            reason.Sources.MaxBy(source => source.Weight * source.Probability).Name,
            [.. reason.Sources.Select(source => new SourceReason(source.Name, source.Weight, source.Probability))]);
    }

    private sealed record Prepared(ModelLease Lease, int Count, string Scenario, string? User, bool Explain,
        (Func<Item, bool> Test, double Add)[] Boosts, string CatalogRevision, RecommendationRequest Request);
}
