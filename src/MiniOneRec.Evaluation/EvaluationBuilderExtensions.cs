using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MiniOneRec;
using MiniOneRec.Evaluation;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers evaluation.</summary>
public static class EvaluationBuilderExtensions
{
    private const string Section = "Evaluation";

    /// <summary>Adds <see cref="RecommendationEvaluator"/> with HR, NDCG and MRR.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options.</param>
    public static MiniOneRecBuilder AddEvaluation(this MiniOneRecBuilder builder, Action<EvaluationOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);

        builder.AddOptions(Section, configure, (options, shared) => options.Seed = shared.Seed)
            .AddValidators<EvaluationOptions>(new EvaluationOptionsValidator(), new EvaluationCutoffsValidator());
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

    /// <summary>Adds evaluation with <see cref="EvaluationOptions"/> from configuration.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configuration">The section of the options.</param>
    /// <param name="configure">Sets the options after configuration did.</param>
    [RequiresUnreferencedCode(OptionsRegistration.ReflectionMessage)]
    [RequiresDynamicCode(OptionsRegistration.ReflectionMessage)]
    public static MiniOneRecBuilder AddEvaluation(
        this MiniOneRecBuilder builder, IConfiguration configuration, Action<EvaluationOptions>? configure = null) =>
        builder.UseConfiguration(Section, configuration).AddEvaluation(configure);

    /// <summary>Adds a metric to those that the evaluator computes; the same metric is added once.</summary>
    /// <param name="builder">The builder.</param>
    /// <typeparam name="T">The metric; its constructor receives services and the options that the application configured.</typeparam>
    public static MiniOneRecBuilder AddMetric<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
        this MiniOneRecBuilder builder)
        where T : class, IRankingMetric
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IRankingMetric, T>(services => services.CreateWithOptions<T>()));
        return builder;
    }

    /// <summary>Adds a metric that a factory makes.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="factory">Makes the metric.</param>
    public static MiniOneRecBuilder AddMetric(this MiniOneRecBuilder builder, Func<IServiceProvider, IRankingMetric> factory)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(factory);
        builder.Services.AddSingleton(factory);
        return builder;
    }

    /// <summary>Adds a metric.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="metric">The metric.</param>
    public static MiniOneRecBuilder AddMetric(this MiniOneRecBuilder builder, IRankingMetric metric)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(metric);
        builder.Services.AddSingleton(metric);
        return builder;
    }
}
