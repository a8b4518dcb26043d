using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;
using MiniOneRec.Alignment;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using MiniOneRec.Tokenization;

namespace MiniOneRec.IntegrationTests;

/// <summary>Meters and sources of activities belong to an object or a container, never to the process.</summary>
public sealed class StaticInstrumentsTests
{
    public static TheoryData<Type> Packages() =>
    [
        typeof(IRecommender), typeof(InteractionDataset), typeof(SemanticIdTokenizer), typeof(GenerativeRecommender), typeof(SftTrainer),
            typeof(GrpoTrainer),
        typeof(RecommendationEvaluator), typeof(PopularityRecommender),
    ];

    [Theory]
    [MemberData(nameof(Packages))]
    public void Package_HoldsNoStaticInstrument(Type anchor)
    {
        var held = anchor.Assembly.GetTypes()
            .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(field => typeof(Meter).IsAssignableFrom(field.FieldType) || typeof(Instrument).IsAssignableFrom(field.FieldType)
                || typeof(ActivitySource).IsAssignableFrom(field.FieldType));

        Assert.Empty(held.Select(field => $"{field.DeclaringType}.{field.Name}"));
    }
}
