using System.Diagnostics;

namespace MiniOneRec.AspNetCore;

/// <summary>The server's activities: requests, and what they ask of stores.</summary>
internal sealed class ServingTraces : IDisposable
{
    private readonly ActivitySource _source = new(ServingDiagnostics.ActivitySourceName);

    /// <summary>Starts the activity of a request, below the one of the web server.</summary>
    /// <param name="route">The route's name.</param>
    public Activity? StartRequest(string route) =>
        _source.StartActivity("MiniOneRec.Request")?.SetTag("minionerec.route", route);

    /// <summary>Ends the activity of a request.</summary>
    /// <param name="activity">The activity, or <see langword="null"/>.</param>
    /// <param name="status">The status that is answered.</param>
    public static void EndRequest(Activity? activity, int status)
    {
        activity?.SetTag("http.response.status_code", status);
        if (status >= 500)
        {
            activity?.SetStatus(ActivityStatusCode.Error);
        }

        activity?.Dispose();
    }

    /// <summary>Asks a store. What belongs to no activity, such as the regular reading of changes, has none.</summary>
    /// <param name="operation">What is asked.</param>
    /// <param name="ask">Asks it.</param>
    public async Task<T> StoreAsync<T>(string operation, Func<Task<T>> ask)
    {
        using var activity = Activity.Current is null ? null
            : _source.StartActivity("MiniOneRec.Store", ActivityKind.Client)?.SetTag("minionerec.operation", operation);
        try
        {
            return await ask().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            activity?.SetStatus(ActivityStatusCode.Error, e.GetType().Name);
            throw;
        }
    }

    public void Dispose() => _source.Dispose();
}
