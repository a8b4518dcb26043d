using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MiniOneRec;
using MiniOneRec.Alignment;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers supervised fine-tuning.</summary>
public static class AlignmentBuilderExtensions
{
    /// <summary>Adds <see cref="SftTrainer"/>; without further tasks it trains next items.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options.</param>
    public static MiniOneRecBuilder AddAlignment(this MiniOneRecBuilder builder, Action<SftOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);

        builder.Services.AddOptions<SftOptions>()
            .Configure<IOptions<MiniOneRecOptions>>((options, shared) => options.Seed = shared.Value.Seed)
            .ValidateOnStart();
        builder.Services.TryAddEnumerable(
        [
            ServiceDescriptor.Singleton<IValidateOptions<SftOptions>, SftOptionsValidator>(),
            ServiceDescriptor.Singleton<IValidateOptions<SftOptions>, SftOptionsRules>(),
        ]);
        builder.Services.Configure(configure ?? (_ => { }));
        builder.Services.TryAddSingleton(services => new SftTrainer(
            services.GetServices<IAlignmentTask>() is var tasks && tasks.Any() ? tasks : [new NextItemTask()],
            services.GetRequiredService<IOptions<SftOptions>>().Value,
            services.GetService<ILogger<SftTrainer>>())
        {
            Meters = services.GetService<IMeterFactory>(),
        });
        return builder;
    }

    /// <summary>Adds a task to the mix; the first one named replaces the default.</summary>
    /// <param name="builder">The builder.</param>
    /// <typeparam name="T">The task.</typeparam>
    public static MiniOneRecBuilder AddTask<T>(this MiniOneRecBuilder builder)
        where T : class, IAlignmentTask
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IAlignmentTask, T>());
        return builder;
    }
}
