using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MiniOneRec;
using MiniOneRec.Evaluation;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers evaluation.</summary>
public static class EvaluationBuilderExtensions
{
    /// <summary>Adds <see cref="RecommendationEvaluator"/> with HR, NDCG and MRR.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options.</param>
    public static MiniOneRecBuilder AddEvaluation(this MiniOneRecBuilder builder, Action<EvaluationOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);

        builder.Services.AddOptions<EvaluationOptions>().ValidateOnStart();
        builder.Services.TryAddEnumerable(
        [
            ServiceDescriptor.Singleton<IValidateOptions<EvaluationOptions>, EvaluationOptionsValidator>(),
            ServiceDescriptor.Singleton<IValidateOptions<EvaluationOptions>, EvaluationCutoffsValidator>(),
        ]);
        builder.Services.Configure(configure ?? (_ => { }));
        builder.AddMetric<HitRate>().AddMetric<Ndcg>().AddMetric<Mrr>();
        builder.Services.TryAddSingleton(services => new RecommendationEvaluator(
            services.GetServices<IRankingMetric>(),
            services.GetRequiredService<IOptions<EvaluationOptions>>().Value,
            services.GetService<ILogger<RecommendationEvaluator>>())
        {
            Meters = services.GetService<IMeterFactory>(),
        });
        return builder;
    }

    /// <summary>Adds a metric to those that the evaluator computes.</summary>
    /// <param name="builder">The builder.</param>
    /// <typeparam name="T">The metric.</typeparam>
    public static MiniOneRecBuilder AddMetric<T>(this MiniOneRecBuilder builder)
        where T : class, IRankingMetric
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IRankingMetric, T>());
        return builder;
    }
}
