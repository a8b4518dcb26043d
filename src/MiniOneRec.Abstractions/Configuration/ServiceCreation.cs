using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace MiniOneRec;

/// <summary>Makes the quantizers, rewards and tasks that an application names by their class.</summary>
internal static class ServiceCreation
{
    /// <summary>
    /// Makes an object by the longest public constructor whose parameters are known: services, options that the application configured (a
    /// parameter of an options class, for example <see cref="MiniOneRecOptions"/> with device and seed), or else the parameter's default.
    /// </summary>
    /// <remarks>An optional parameter of an interface that the class itself implements keeps its default, so that a class never receives
    /// itself.</remarks>
    /// <typeparam name="T">The class.</typeparam>
    /// <param name="provider">The application's services.</param>
    /// <exception cref="InvalidOperationException">No constructor can be called; the message names the first parameter that is
    /// missing.</exception>
    public static T CreateWithOptions<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
        this IServiceProvider provider)
        where T : class
    {
        ArgumentNullException.ThrowIfNull(provider);
        string missing = "no public constructor";
        foreach (var constructor in typeof(T).GetConstructors().OrderByDescending(candidate => candidate.GetParameters().Length))
        {
            var parameters = constructor.GetParameters();
            object?[] arguments = new object?[parameters.Length];
            int known = 0;
            while (known < parameters.Length && TryResolve(provider, parameters[known], typeof(T), out arguments[known]))
            {
                known++;
            }

            if (known == parameters.Length)
            {
                return (T)constructor.Invoke(BindingFlags.DoNotWrapExceptions, null, arguments, null);
            }

            missing =
                $"its constructor needs '{parameters[known].Name}' of type {parameters[known].ParameterType.Name}, which is no service";
        }

        throw new InvalidOperationException(
            $"{typeof(T).Name} cannot be made: {missing}; register the service, or pass an instance or a factory.");
    }

    private static bool TryResolve(IServiceProvider provider, ParameterInfo parameter, Type made, out object? argument)
    {
        var type = parameter.ParameterType;
        bool itself = parameter.HasDefaultValue && type.IsAssignableFrom(made);
        argument = itself ? null
            : parameter.GetCustomAttribute<FromKeyedServicesAttribute>() is { } keyed
                ? (provider as IKeyedServiceProvider)?.GetKeyedService(type, keyed.Key)
            : provider.GetService(type) ?? OptionsOf(provider, type);
        if (argument is null && parameter.HasDefaultValue)
        {
            argument = parameter.DefaultValue;
            return true;
        }

        return argument is not null;
    }

    [UnconditionalSuppressMessage("Trimming", "IL2055",
        Justification = "IOptions<T> is resolved only for options that the application or its packages registered.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "Options are classes, whose generic instances share their code.")]
    private static object? OptionsOf(IServiceProvider provider, Type type) =>
        type is { IsClass: true, IsAbstract: false } && type.Name.EndsWith("Options", StringComparison.Ordinal)
            ? (provider.GetService(typeof(IOptions<>).MakeGenericType(type)) as IOptions<object>)?.Value
            : null;
}
