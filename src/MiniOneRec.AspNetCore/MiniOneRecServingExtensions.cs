using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using MiniOneRec;
using MiniOneRec.AspNetCore;
using MiniOneRec.Modeling;
using MiniOneRec.Stores;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers and maps the server.</summary>
public static class MiniOneRecServingExtensions
{
    private const string Section = "Serving";

    /// <summary>Adds the server: models, stores, keys, metrics. <see cref="MapMiniOneRec"/> maps its routes.</summary>
    /// <remarks>
    /// Options of the server are in the section <c>Serving</c>, those of served models in <c>Recommender</c>. Histories and items are kept
    /// in a SQLite file, unless the application registers an
    /// <see cref="IHistoryStore"/> and an <see cref="IItemStore"/>. Which model has which part is kept in the <see cref="IModelPartStore"/>
    /// that the application registers, else in the item store where it is one, else in the process alone. A request for which the queue has
    /// no room is refused (<see cref="QueueFullMode.Reject"/>), unless configured otherwise.
    /// </remarks>
    /// <param name="services">The application's services.</param>
    /// <param name="configuration">The section of MiniOneRec, or the application's whole configuration where it has a section
    /// <c>MiniOneRec</c>.</param>
    /// <param name="configure">Sets the options of the server after configuration did.</param>
    [RequiresUnreferencedCode(OptionsRegistration.ReflectionMessage)]
    [RequiresDynamicCode(OptionsRegistration.ReflectionMessage)]
    public static MiniOneRecBuilder AddMiniOneRecServing(this IServiceCollection services, IConfiguration configuration,
        Action<ServingOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configuration);
        var builder = services.AddMiniOneRec(configuration);
        builder.AddOptions(Section, configure).AddValidators<ServingOptions>(new ServingOptionsValidator(), new ServingOptionsRules())
            .AddOptions<RecommenderOptions>("Recommender", shared: (options, _) => options.QueueFullMode = QueueFullMode.Reject)
            .AddValidators(new RecommenderOptionsValidator());
        services.AddMetrics().AddOpenApi();
        services.AddRegistries();
        services.TryAddSingleton<RecommenderLoader>();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(provider =>
            new SqliteStore(new SqliteStoreOptions { Path = provider.GetRequiredService<IOptions<ServingOptions>>().Value.Database }));
        services.TryAddSingleton<IHistoryStore>(provider => provider.GetRequiredService<SqliteStore>());
        services.TryAddSingleton<IItemStore>(provider => provider.GetRequiredService<SqliteStore>());
        services.TryAddSingleton<ServingTelemetry>();
        services.TryAddSingleton<ServingTraces>();
        services.TryAddSingleton<PrometheusPage>();
        services.TryAddSingleton<ServingState>();
        services.TryAddSingleton<ApiKeys>();
        services.TryAddSingleton<LiveItems>();
        services.TryAddSingleton<LiveCatalogue>();
        services.TryAddSingleton<ModelFolders>();
        services.TryAddSingleton<SharedParts>();
        services.TryAddSingleton<ModelRegistry>();
        services.TryAddSingleton<Attribution>();
        services.TryAddSingleton<ShadowRunner>();
        services.TryAddSingleton<RecommendService>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, ServingStart>());
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, ServingJsonContext.Default));
        services.AddOptions<KestrelServerOptions>().Configure<IOptions<ServingOptions>>(Limit);
        return builder;
    }

    /// <summary>
    /// Maps the routes of the server: <c>/v1</c> with recommendations, events, items and models, <c>/v2</c> with health, <c>/metrics</c>,
    /// the OpenAPI document <c>/openapi/v1.json</c> and its
    /// page <c>/docs</c>, and the page <c>/ui</c> on which a person sees what the model does.
    /// </summary>
    /// <param name="routes">The application.</param>
    /// <returns>The group of all routes, for conventions of the application.</returns>
    /// <exception cref="InvalidOperationException"><see cref="AddMiniOneRecServing"/> was not called.</exception>
    public static IEndpointConventionBuilder MapMiniOneRec(this IEndpointRouteBuilder routes)
    {
        ArgumentNullException.ThrowIfNull(routes);
        if (routes.ServiceProvider.GetService<IServiceProviderIsService>()?.IsService(typeof(RecommendService)) != true)
        {
            throw new InvalidOperationException($"The server is not registered; call services.{nameof(AddMiniOneRecServing)} first.");
        }

        var all = routes.MapGroup("");
        var v1 = all.MapGroup("/v1");
        RecommendEndpoints.Map(v1);
        EventEndpoints.Map(v1);
        ItemEndpoints.Map(v1);
        ModelEndpoints.Map(v1);
        HealthEndpoints.Map(all);
        all.MapOpenApi();
        all.MapPage("/docs", "docs.html", "text/html; charset=utf-8");
        all.MapPage("/docs/docs.js", "docs.js", "text/javascript; charset=utf-8");
        all.MapPage("/docs/docs.css", "docs.css", "text/css; charset=utf-8");
        all.MapPage("/ui", "ui.html", "text/html; charset=utf-8");
        all.MapPage("/ui/ui.css", "ui.css", "text/css; charset=utf-8");
        foreach (string script in (string[])["app", "shared", "recommend", "compare", "catalogue", "item", "dashboard"])
        {
            all.MapPage($"/ui/{script}.js", $"{script}.js", "text/javascript; charset=utf-8");
        }

        return all;
    }

    /// <summary>Bounds what a connection may cost; what the application sets later wins.</summary>
    private static void Limit(KestrelServerOptions kestrel, IOptions<ServingOptions> options)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = Math.Max(options.Value.MaxBodyBytes, options.Value.MaxEventBytes);
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(60);
        kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 1_024, gracePeriod: TimeSpan.FromSeconds(5));
    }
}
