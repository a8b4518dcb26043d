using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MiniOneRec;
using MiniOneRec.Alignment;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers supervised fine-tuning.</summary>
public static class AlignmentBuilderExtensions
{
    private const string Section = "Alignment";

    /// <summary>Adds <see cref="SftTrainer"/>; without further tasks it trains next items.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options.</param>
    public static MiniOneRecBuilder AddAlignment(this MiniOneRecBuilder builder, Action<SftOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);

        builder.AddOptions(Section, configure, (options, shared) => options.Seed = shared.Seed)
            .AddValidators<SftOptions>(new SftOptionsValidator(), new SftOptionsRules());
        builder.Services.TryAddSingleton(services => new SftTrainer(
            services.GetServices<IAlignmentTask>() is var tasks && tasks.Any() ? tasks : [new NextItemTask()],
            services.GetRequiredService<IOptions<SftOptions>>().Value,
            services.GetService<ILogger<SftTrainer>>())
        {
            Meters = services.GetService<IMeterFactory>(),
        });
        return builder;
    }

    /// <summary>Adds supervised fine-tuning with <see cref="SftOptions"/> from configuration.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configuration">The section of the options.</param>
    /// <param name="configure">Sets the options after configuration did.</param>
    [RequiresUnreferencedCode(OptionsRegistration.ReflectionMessage)]
    [RequiresDynamicCode(OptionsRegistration.ReflectionMessage)]
    public static MiniOneRecBuilder AddAlignment(this MiniOneRecBuilder builder, IConfiguration configuration,
        Action<SftOptions>? configure = null) =>
        builder.UseConfiguration(Section, configuration).AddAlignment(configure);

    /// <summary>Adds a task to the mix; the first one named replaces the default. The same task is added once.</summary>
    /// <param name="builder">The builder.</param>
    /// <typeparam name="T">The task; its constructor receives services and the options that the application configured.</typeparam>
    public static MiniOneRecBuilder AddTask<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
        this MiniOneRecBuilder builder)
        where T : class, IAlignmentTask
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IAlignmentTask, T>(services => services.CreateWithOptions<T>()));
        return builder;
    }

    /// <summary>Adds a task that a factory makes.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="factory">Makes the task.</param>
    public static MiniOneRecBuilder AddTask(this MiniOneRecBuilder builder, Func<IServiceProvider, IAlignmentTask> factory)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(factory);
        builder.Services.AddSingleton(factory);
        return builder;
    }

    /// <summary>Adds a task.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="task">The task.</param>
    public static MiniOneRecBuilder AddTask(this MiniOneRecBuilder builder, IAlignmentTask task)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(task);
        builder.Services.AddSingleton(task);
        return builder;
    }

    /// <summary>Adds the tasks of the paper, T1 to T5 and with preference texts T6 and T7. They write text and need a pretrained model's
    /// template.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="category">What the items are, in the plural.</param>
    /// <param name="preferences">Texts on users' tastes for T6 and T7, or <see langword="null"/> for none.</param>
    /// <param name="mode">What one sample of T1 is.</param>
    public static MiniOneRecBuilder AddPaperTasks(
        this MiniOneRecBuilder builder, string category = "items", IReadOnlyList<UserPreference>? preferences = null,
        NextItemMode mode = NextItemMode.Row)
    {
        ArgumentNullException.ThrowIfNull(builder);
        foreach (var task in AlignmentTasks.Paper(category, preferences, mode))
        {
            builder.AddTask(task);
        }

        return builder;
    }
}
