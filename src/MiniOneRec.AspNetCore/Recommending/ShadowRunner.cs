using Microsoft.Extensions.Logging;

namespace MiniOneRec.AspNetCore;

/// <summary>Lets the shadow model answer what was answered already, and compares; a few at a time, the rest is left out.</summary>
internal sealed class ShadowRunner(ModelRegistry models, ServingTelemetry telemetry, ILogger<ShadowRunner> logger)
{
    private const int AtOnce = 8;
    private int _running;

    public void Compare(RecommendationRequest request, IReadOnlyList<RecommendedItem> given, string model)
    {
        if (models.Set.Shadow is not { } shadow || shadow == model)
        {
            return;
        }

        if (Interlocked.Increment(ref _running) > AtOnce)
        {
            Interlocked.Decrement(ref _running);
            telemetry.Shadow(shadow, "left out", null);
            return;
        }

        _ = Task.Run(async () =>
        {
            try
            {
                if (models.Shadow() is { } lease)
                {
                    using (lease)
                    {
                        var result = await lease.Model.Recommender.RecommendAsync(request with { Deadline = null }).ConfigureAwait(false);
                        int same = result.Items.Select(item => item.ItemId).Intersect(given.Select(item => item.Id),
                            StringComparer.Ordinal).Count();
                        telemetry.Shadow(shadow, "answered", given.Count == 0 ? 1 : (double)same / given.Count);
                    }
                }
            }
#pragma warning disable CA1031 // The shadow's failure is a figure, and nobody's answer.
            catch (Exception e)
#pragma warning restore CA1031
            {
                telemetry.Shadow(shadow, "failed", null);
                Log.ShadowFailed(logger, e, shadow);
            }
            finally
            {
                Interlocked.Decrement(ref _running);
            }
        });
    }
}
