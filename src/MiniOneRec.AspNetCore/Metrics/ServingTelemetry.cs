using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;

namespace MiniOneRec.AspNetCore;

/// <summary>The server's instruments.</summary>
internal sealed class ServingTelemetry
{
    private readonly Counter<long> _requests;
    private readonly Histogram<double> _duration;
    private readonly Counter<long> _recommendations;
    private readonly Counter<long> _hits;
    private readonly Counter<long> _events;
    private readonly Histogram<double> _overlap;
    private readonly Counter<long> _shadows;
    private readonly Counter<long> _syncFailures;
    private long _revision;

    public ServingTelemetry(IMeterFactory meters, IServiceProvider provider)
    {
        var meter = meters.Create(ServingDiagnostics.MeterName);
        _requests = meter.CreateCounter<long>(ServingDiagnostics.Requests, "{request}", "HTTP requests, by route and status");
        _duration = meter.CreateHistogram<double>(ServingDiagnostics.Duration, "s", "Time of an HTTP request, by route");
        _recommendations = meter.CreateCounter<long>(ServingDiagnostics.Recommendations, "{answer}", "Answers, by model and scenario");
        _hits = meter.CreateCounter<long>(ServingDiagnostics.Hits, "{answer}",
            "Answers that were followed by an event of one of their items");
        _events = meter.CreateCounter<long>(ServingDiagnostics.Events, "{event}", "Events, by outcome");
        _overlap = meter.CreateHistogram<double>(ServingDiagnostics.ShadowOverlap, "1",
            "Share of an answer's items that the shadow model gives too");
        _shadows = meter.CreateCounter<long>(ServingDiagnostics.ShadowRequests, "{request}", "Requests to the shadow model, by outcome");
        _syncFailures = meter.CreateCounter<long>(ServingDiagnostics.SyncFailures, "{failure}", "Failed readings of the store's changes");
        meter.CreateObservableGauge(ServingDiagnostics.CatalogRevision, () => Interlocked.Read(ref _revision), "{revision}",
            "Revision of the item store that is served");
        meter.CreateObservableGauge(ServingDiagnostics.Items, () => Models(provider), "{item}", "Items that a model can recommend");
        meter.CreateObservableGauge(ServingDiagnostics.Prompts,
            () => provider.GetRequiredService<ModelRegistry>().Set.Loaded.Values.Select(model =>
            new Measurement<long>(model.Recommender.PromptBytes, new KeyValuePair<string, object?>("model", model.Name))), "By",
            "Bytes that are kept of users' last prompts");
        meter.CreateObservableGauge(ServingDiagnostics.Resident, () => Environment.WorkingSet, "By", "Resident memory");
        meter.CreateObservableGauge(ServingDiagnostics.NativeInUse, () => (long)(NativeHeap.Read()?.InUse ?? 0), "By",
            "Bytes in use of the C library's heap");
        meter.CreateObservableGauge(ServingDiagnostics.Tensors, () => TorchSharp.torch.Tensor.TotalCount, "{tensor}", "Tensors that exist");
    }

    public void Request(string route, int status, TimeSpan time)
    {
        _requests.Add(1, new("route", route), new("status", status));
        _duration.Record(time.TotalSeconds, new KeyValuePair<string, object?>("route", route));
    }

    public void Recommended(string model, string scenario, bool masked) =>
        _recommendations.Add(1, new("model", model), new("scenario", scenario), new("masked", masked ? "yes" : "no"));

    public void Hit(string model, string scenario) => _hits.Add(1, new("model", model), new("scenario", scenario));

    public void Events(string outcome, int count)
    {
        if (count > 0)
        {
            _events.Add(count, new KeyValuePair<string, object?>("outcome", outcome));
        }
    }

    public void Shadow(string model, string outcome, double? overlap)
    {
        _shadows.Add(1, new("model", model), new("outcome", outcome));
        if (overlap is { } share)
        {
            _overlap.Record(share, new KeyValuePair<string, object?>("model", model));
        }
    }

    public void Catalogue(long revision) => Interlocked.Exchange(ref _revision, revision);

    public void SyncFailed() => _syncFailures.Add(1);

    private static IEnumerable<Measurement<int>> Models(IServiceProvider provider)
    {
        var set = provider.GetRequiredService<ModelRegistry>().Set;
        foreach (var (name, model) in set.Loaded)
        {
            string role = name == set.Active ? "active" : name == set.Candidate ? "candidate" : name == set.Shadow ? "shadow"
                : name == set.Previous ? "previous" : "loaded";
            yield return new Measurement<int>(model.Recommender.Index.Count, new("model", name), new("revision", model.Revision),
                new("role", role));
        }
    }
}
