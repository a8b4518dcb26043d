using System.Diagnostics;
using MiniOneRec.Modeling;

namespace MiniOneRec.AspNetCore.Tests;

[Collection("shop")]
public sealed class TraceTests(ToyShop shop)
{
    [Fact]
    public async Task Request_IsOneTrace_FromTheWebServerToStoreQueueBatchAndSearch()
    {
        var trace = ActivityTraceId.CreateRandom();
        var seen = new List<Activity>();
        using var listener = Listen(seen);
        await using (var server = await ShopServer.StartAsync(shop))
        {
            await server.PostAsync("/v1/events", """{"userId": "ann", "itemId": "tent-1"}""");
            using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/recommend")
            {
                Content = new StringContent("""{"userId": "ann"}"""),
                Headers = { { "traceparent", $"00-{trace}-0102030405060708-01" } },
            };
            using var response = await server.Client.SendAsync(request);
            Assert.Equal(200, (int)response.StatusCode);
        }

        var own = seen.Where(activity => activity.TraceId == trace).ToList();
        var web = Assert.Single(own, activity => activity.OperationName == "Microsoft.AspNetCore.Hosting.HttpRequestIn");
        var served = Assert.Single(own, activity => activity.OperationName == "MiniOneRec.Request");
        var store = Assert.Single(own, activity => activity.OperationName == "MiniOneRec.Store");
        var call = Assert.Single(own, activity => activity.OperationName == "MiniOneRec.Recommend");
        var queue = Assert.Single(own, activity => activity.OperationName == "MiniOneRec.Queue");
        var batch = Assert.Single(seen, activity => activity.OperationName == "MiniOneRec.RecommendBatch"
            && activity.Links.Any(link => link.Context.SpanId == call.SpanId));
        var search = Assert.Single(seen, activity => activity.OperationName == "MiniOneRec.Search"
            && activity.ParentSpanId == batch.SpanId);
        Assert.Equal(web.SpanId, served.ParentSpanId);
        Assert.Equal(("recommend", 200), (served.GetTagItem("minionerec.route"), served.GetTagItem("http.response.status_code")));
        Assert.Equal(served.SpanId, store.ParentSpanId);
        Assert.Equal(("history.read", ActivityKind.Client), (store.GetTagItem("minionerec.operation"), store.Kind));
        Assert.Equal(served.SpanId, call.ParentSpanId);
        Assert.Equal(call.SpanId, queue.ParentSpanId);
        Assert.True(queue.StartTimeUtc >= call.StartTimeUtc && queue.StartTimeUtc + queue.Duration <= call.StartTimeUtc + call.Duration);
        Assert.Equal(1, search.GetTagItem("minionerec.requests"));
        Assert.Equal(false, search.GetTagItem("minionerec.resumed"));
    }

    [Fact]
    public async Task FailedRequest_AndWrites_AreMarked()
    {
        var seen = new List<Activity>();
        using var listener = Listen(seen);
        await using (var server = await ShopServer.StartAsync(shop, [("Serving:Model", "")]))
        {
            await server.RecommendAsync("""{"history": []}""", 503);
            await server.PostAsync("/v1/models", """{"action": "activate", "model": "shop-1"}""");
            await server.SendAsync(HttpMethod.Put, "/v1/items/traced", """{"title": "tent for two"}""");
            await server.SendAsync(HttpMethod.Delete, "/v1/users/nobody-traced/history");
        }

        var requests = seen.Where(activity => activity.OperationName == "MiniOneRec.Request").ToList();
        Assert.Contains(requests, request => request.GetTagItem("http.response.status_code") is 503
            && request.Status == ActivityStatusCode.Error);
        var put = Assert.Single(requests, request => request.GetTagItem("minionerec.route") is "item.put");
        var erase = Assert.Single(requests, request => request.GetTagItem("minionerec.route") is "erase");
        Assert.Equal(["items.changes", "items.write"], Operations(put));
        Assert.Equal(["history.erase"], Operations(erase));

        IEnumerable<object?> Operations(Activity request) => seen
            .Where(activity => activity.OperationName == "MiniOneRec.Store" && activity.ParentSpanId == request.SpanId)
            .Select(activity => activity.GetTagItem("minionerec.operation"));
    }

    private static ActivityListener Listen(List<Activity> seen)
    {
        var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is ServingDiagnostics.ActivitySourceName or RecommenderDiagnostics.ActivitySourceName
                or "Microsoft.AspNetCore",
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                lock (seen)
                {
                    seen.Add(activity);
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        return listener;
    }
}
