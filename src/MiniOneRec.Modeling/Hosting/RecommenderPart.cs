using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace MiniOneRec.Modeling;

/// <summary>A prior or fallback that the application names for one of its recommenders.</summary>
/// <param name="Name">The recommender's name, or empty.</param>
/// <param name="Kind">What it is.</param>
internal sealed record RecommenderPart(string Name, string Kind)
{
    /// <summary>Registers a part that the container makes and owns; a later one takes the place of an earlier one.</summary>
    public static MiniOneRecBuilder Use<T>(MiniOneRecBuilder builder, string name, string kind, Func<IServiceProvider, T> factory)
        where T : class =>
        Use(builder, name, kind,
            ServiceDescriptor.KeyedSingleton(RecommenderRegistration.PartKey(name, kind), (provider, _) => factory(provider)));

    /// <summary>Registers a part that stays the caller's.</summary>
    public static MiniOneRecBuilder Use<T>(MiniOneRecBuilder builder, string name, string kind, T part)
        where T : class =>
        Use(builder, name, kind, ServiceDescriptor.KeyedSingleton(RecommenderRegistration.PartKey(name, kind), part));

    /// <summary>Checks that every part belongs to a recommender.</summary>
    /// <exception cref="InvalidOperationException">No recommender has the part's name; the message lists the names that exist.</exception>
    public static void Check(IEnumerable<RecommenderPart> parts, IEnumerable<RecommenderRegistration> registrations)
    {
        string[] names = [.. registrations.Select(registration => registration.Name)];
        if (parts.FirstOrDefault(part => !names.Contains(part.Name, StringComparer.Ordinal)) is { } lost)
        {
            throw new InvalidOperationException(
                $"A {lost.Kind} was registered for {Describe(lost.Name)}, and no recommender of that name was added; "
                + $"there is {string.Join(", ", names.Select(Describe))}.");
        }

        static string Describe(string name) => name.Length == 0 ? "the recommender without a name" : $"the recommender '{name}'";
    }

    private static MiniOneRecBuilder Use(MiniOneRecBuilder builder, string name, string kind, ServiceDescriptor service)
    {
        builder.Services.Replace(service);
        builder.Services.AddSingleton(new RecommenderPart(name, kind));
        return builder;
    }
}
